use super::*;

fn codes(text: &str) -> Vec<&'static str> {
    let file = parse(text).expect(text);
    let quiet = ["containerfile-no-healthcheck", "containerfile-base-not-pinned"];
    let mut codes: Vec<&'static str> = check("Dockerfile", &file).iter().map(|found| found.rule.code).collect();
    codes.retain(|code| !quiet.contains(code));
    codes
}

#[test]
fn every_pattern_is_a_regular_expression() {
    assert_eq!(checks::patterns(), 17);
}

#[test]
fn a_hardened_file_is_silent() {
    let text = "# syntax=docker/dockerfile:1\nFROM golang:1.23@sha256:aa AS build\nWORKDIR /src\nCOPY . .\nRUN --mount=type=secret,id=t go build -o /app\n\
                FROM scratch\nCOPY --from=build /app /app\nUSER 65532:65532\nHEALTHCHECK CMD [\"/app\", \"-h\"]\nENTRYPOINT [\"/app\"]\n";
    let found = check("Dockerfile", &parse(text).unwrap());
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn each_fault_has_its_code() {
    let with = |line: &str| format!("FROM debian:12\nUSER 10\n{line}\n");
    for (text, expect) in [
        (String::from("FROM debian:12\nRUN true\n"), "containerfile-user-root"),
        (String::from("FROM debian:12\nUSER 10\nUSER 0:0\n"), "containerfile-user-root"),
        (String::from("FROM debian:12\nUSER 4294967296\n"), "containerfile-user-root"),
        (String::from("FROM debian\nUSER 10\n"), "containerfile-base-latest"),
        (String::from("ARG V=latest\nFROM registry.example:5000/a/b:${V}\nUSER 10\n"), "containerfile-base-latest"),
        (with("ENV DB_PASSWORD=hunter22x"), "containerfile-secret"),
        (with("ENV DB_PASSWORD hunter22x"), "containerfile-secret"),
        (with("ARG API_TOKEN=\"q8fj2kd9sk2k\""), "containerfile-secret"),
        (with("ADD https://host.example/a.tar.gz /a"), "containerfile-add-url"),
        (with("ADD app /app"), "containerfile-add"),
        (with("COPY .ssh /home/app/.ssh"), "containerfile-copies-credentials"),
        (with("COPY [\"conf/tls.key\", \"/etc/tls.key\"]"), "containerfile-copies-credentials"),
        (with("RUN curl -fsSL https://host.example/i.sh | bash"), "containerfile-pipe-to-shell"),
        (with("RUN bash -c \"$(curl -fsSL https://host.example/i.sh)\""), "containerfile-pipe-to-shell"),
        (with("RUN curl -fsSLk https://host.example/a -o a"), "containerfile-insecure-fetch"),
        (with("RUN wget http://host.example/a"), "containerfile-insecure-fetch"),
        (with("RUN apt-get update \\\n  && apt-get -y dist-upgrade"), "containerfile-upgrade"),
        (with("RUN sudo make install"), "containerfile-sudo"),
        (with("EXPOSE 22"), "containerfile-ssh"),
        (with("RUN chmod -R 777 /srv"), "containerfile-permissions"),
        (with("RUN chmod 4755 /bin/x"), "containerfile-permissions"),
        (with("RUN --security=insecure mount x"), "containerfile-privileged-run"),
        (with("WORKDIR app"), "containerfile-workdir-relative"),
        (with("CMD a\nCMD b"), "containerfile-shadowed"),
        (with("MAINTAINER x"), "containerfile-maintainer"),
        (with("RUN pip install flask"), "containerfile-unpinned-packages"),
        (with("RUN <<EOF\nset -e\nsudo ls\nEOF"), "containerfile-sudo"),
    ] {
        assert_eq!(codes(&text), [expect], "{text}");
    }
}

#[test]
fn lines_are_those_of_the_file() {
    let text = "# escape=`\nFROM debian:12\n\nRUN echo `\n  # a comment inside\n  a\nUSER root\n";
    let file = parse(text).unwrap();
    assert_eq!(file.stages[0].instructions[1].line, 7);
    assert_eq!(&*file.stages[0].instructions[0].text, "echo    a");
}

#[test]
fn a_stage_that_builds_on_another_takes_its_user() {
    assert_eq!(codes("FROM debian:12 AS base\nUSER 10\nFROM base\nRUN true\n"), Vec::<&str>::new());
    assert_eq!(codes("FROM debian:12 AS base\nRUN true\nFROM base\nRUN true\n"), ["containerfile-user-root"]);
    assert_eq!(codes("FROM a AS a\nFROM a AS a\nFROM a\n").len(), 2);
}

#[test]
fn what_is_no_containerfile_is_an_error_with_its_line() {
    for (text, line) in
        [("FROM a\nRUNN x\n", "line 2"), ("RUN x\n", "line 1"), ("FROM\n", "line 1"), ("FROM a b\n", "line 1")]
    {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with(line), "{error}");
    }
    assert_eq!(parse("# nothing\n"), Err(SyntaxError::Empty));
    assert!(matches!(parse("FROM a\nRUN <<EOF\nx\n"), Err(SyntaxError::Heredoc { .. })));
}

#[test]
fn hostile_files_end() {
    let _ = parse(&"\\\n".repeat(100_000));
    let _ = parse(&format!("FROM a\nRUN {}\n", "<<A ".repeat(10_000)));
    let deep =
        "FROM a AS s0\n".to_owned() + &(1..2000).map(|n| format!("FROM s{} AS s{n}\n", n - 1)).collect::<String>();
    assert_eq!(codes(&deep).len(), 2);
    let args = "ARG A=$A$A\n".repeat(200) + "FROM $A\nUSER 1\n";
    let _ = check("Dockerfile", &parse(&args).unwrap());
}

#[test]
fn names_of_containerfiles() {
    for name in ["Dockerfile", "a/Containerfile", "Dockerfile.prod", "api.dockerfile", "Dockerfile-ci"] {
        assert!(is_containerfile(name), "{name}");
    }
    for name in
        ["Dockerfile.md", "docker-compose.yaml", "dockerfiles/readme", "Dockerfile.dockerignore", "mydockerfile"]
    {
        assert!(!is_containerfile(name), "{name}");
    }
}
