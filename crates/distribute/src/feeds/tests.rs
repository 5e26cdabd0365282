use std::io::Write;
use std::net::TcpListener;

use super::*;

/// Answers one request after the other with what is given, and gives the address.
fn server(answers: Vec<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/f.json", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn the_standard_feeds_are_sound() {
    assert!(
        Feeds::standard().unwrap().feed.iter().all(|feed| feed.url.starts_with("https://") && !feed.license.is_empty())
    );
    assert!(Feeds::read("[[feed]]\nname = \"../a\"\nurl = \"x\"\nlicense = \"y\"\n").is_err());
}

#[test]
fn what_fails_keeps_its_old_file_and_date() {
    let folder = std::env::temp_dir().join(format!("kobuk-feeds-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let ok =
        "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{\"id\":\"A\"}".to_owned();
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nConnection: close\r\n\r\n{\"id\"".to_owned();
    let same = "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned();
    let none = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned();
    let url = server(vec![ok, none, cut, same]);
    let feeds = Feeds::read(&format!("[[feed]]\nname = \"a\"\nurl = \"{url}\"\nlicense = \"MIT\"\n")).unwrap();
    let first = update(&feeds, &folder, 1, false);
    assert_eq!((first.changed.len(), first.failures.len()), (1, 0), "{:?}", first.failures);
    let second = update(&feeds, &folder, 2, false);
    assert_eq!((second.failures.len(), second.inputs[0].source.fetched_unix), (1, 1));
    assert_eq!(fs::read(folder.join("a.data")).unwrap(), b"{\"id\":\"A\"}");
    let third = update(&feeds, &folder, 3, false);
    assert_eq!((third.changed.len(), third.failures.len(), third.inputs[0].source.fetched_unix), (0, 0, 3));
    fs::remove_dir_all(folder).unwrap();
}

fn reply(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

#[test]
fn older_files_wrong_digests_and_names_of_newest_files_are_told() {
    let folder = std::env::temp_dir().join(format!("kobuk-feeds-older-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let (new, old) =
        ("Last-Modified: Tue, 02 Jan 2024 00:00:00 GMT\r\n", "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n");
    let (a, b) = ("{\"id\":\"A\"}", "{\"id\":\"B\"}");
    let none = || reply("404 Not Found", "", "");
    let feeds = |url: &str, more: &str| {
        Feeds::read(&format!("[[feed]]\nname = \"a\"\nurl = \"{url}\"\nlicense = \"MIT\"\n{more}")).unwrap()
    };
    let of_b = hex(digest(&SHA256, b.as_bytes()).as_ref());
    let url = server(vec![
        reply("200 OK", new, a),
        none(),
        reply("200 OK", old, b),
        reply("200 OK", old, b),
        none(),
        reply("200 OK", new, a),
        reply("200 OK", "", &of_b),
        reply("200 OK", new, b),
        reply("200 OK", "", &of_b),
    ]);
    let feed = feeds(&url, "");
    assert!(update(&feed, &folder, 1, false).failures.is_empty());
    assert!(matches!(update(&feed, &folder, 2, false).failures[0].1, FetchError::Older { .. }));
    assert_eq!(fs::read(folder.join("a.data")).unwrap(), a.as_bytes());
    assert!(update(&feed, &folder, 3, true).failures.is_empty());
    assert!(matches!(update(&feed, &folder, 4, true).failures[0].1, FetchError::Digest { .. }));
    assert!(update(&feed, &folder, 5, true).failures.is_empty());
    assert_eq!(fs::read(folder.join("a.data")).unwrap(), b.as_bytes());
    let url = server(vec![
        reply("200 OK", "", "x-2024.json\n"),
        reply("200 OK", "", a),
        none(),
        reply("200 OK", "", "../x\n"),
    ]);
    let feed = feeds(&url, "latest = true\n");
    let found = update(&feed, &folder, 6, false);
    assert!(found.failures.is_empty() && found.inputs[0].source.fetched_unix == 6, "{:?}", found.failures);
    assert!(matches!(update(&feed, &folder, 7, false).failures[0].1, FetchError::Text { .. }));
    fs::remove_dir_all(folder).unwrap();
}
