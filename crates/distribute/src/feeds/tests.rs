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
    let url = server(vec![ok, cut, same]);
    let feeds = Feeds::read(&format!("[[feed]]\nname = \"a\"\nurl = \"{url}\"\nlicense = \"MIT\"\n")).unwrap();
    let first = update(&feeds, &folder, 1);
    assert_eq!((first.changed.len(), first.failures.len()), (1, 0), "{:?}", first.failures);
    let second = update(&feeds, &folder, 2);
    assert_eq!((second.failures.len(), second.inputs[0].source.fetched_unix), (1, 1));
    assert_eq!(fs::read(folder.join("a.data")).unwrap(), b"{\"id\":\"A\"}");
    let third = update(&feeds, &folder, 3);
    assert_eq!((third.changed.len(), third.failures.len(), third.inputs[0].source.fetched_unix), (0, 0, 3));
    fs::remove_dir_all(folder).unwrap();
}
