//! What is a secret and what only looks like one, line by line; and what holds for all arguments.

use proptest::prelude::*;

use super::*;

/// A secret that no rule knows by its form.
const S: &str = "hunter2";

fn key() -> Key {
    Key::new([7; 32])
}

fn argv(words: &[&str]) -> Vec<u8> {
    words.iter().flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect()
}

/// The parts that are taken for secrets.
fn found(words: &[&str]) -> Vec<String> {
    let argv = argv(words);
    let mut spans = Spans::default();
    scan(&argv, &mut spans);
    spans.iter().map(|span| String::from_utf8_lossy(&argv[span.range()]).into_owned()).collect()
}

/// Random letters: 40 and 64 of them, and 36 as in a token.
const R40: &str = "nQvWys81v/7hB1dx8PpD5K+Xe3PYiGkPAuNaRL63";
const R64: &str = "q3Zr9TfX1bLm7Yk2Vd8Ws4Gh6Jn5Pc0QaEuIoRxTz1CvBnM2KlJhGfDs3QwErTy8";
const R36: &str = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5";

#[test]
fn secrets_are_found_and_nothing_beside_them() {
    let github = format!("ghp_{R36}");
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N";
    let cases: &[(&[&str], &[&str])] = &[
        (&["x", "--password=hunter2"], &[S]),
        (&["x", "--password", "hunter2", "next"], &[S]),
        (&["x", "-password", "hunter2"], &[S]),
        (&["x", "--db-password=hunter2", "--token", "abc"], &[S, "abc"]),
        (&["x", "--dbPassword=hunter2"], &[S]),
        (&["x", "--api-key=hunter2"], &[S]),
        (&["x", "--client_secret", "hunter2"], &[S]),
        (&["java", "-Djavax.net.ssl.keyStorePassword=hunter2", "-jar", "a"], &[S]),
        (&["mysql", "-phunter2", "-u", "root"], &[S]),
        (&["/usr/bin/mysqldump", "-uroot", "-phunter2", "db"], &[S]),
        (&["sshpass", "-p", "hunter2", "ssh", "-p", "22", "h"], &[S]),
        (&["sshpass", "-phunter2", "ssh", "h"], &[S]),
        (&["7z", "x", "-phunter2", "a.7z"], &[S]),
        (&["zip", "-P", "hunter2", "a.zip"], &[S]),
        (&["redis-cli", "-a", "hunter2"], &[S]),
        (&["ldapsearch", "-w", "hunter2", "-D", "cn=x"], &[S]),
        (&["docker", "login", "-u", "me", "-p", "hunter2"], &[S]),
        (&["curl", "-u", "me:hunter2", "https://h/"], &[S]),
        (&["curl", "-ume:hunter2", "https://h/"], &[S]),
        (&["curl", "--user", "me:hunter2"], &[S]),
        (&["curl", "--proxy-user=me:hunter2"], &[S]),
        (&["curl", "-H", "Authorization: Bearer hunter2hunter2"], &["hunter2hunter2"]),
        (&["curl", "-H", "authorization: Basic bWU6aHVudGVyMg=="], &["bWU6aHVudGVyMg=="]),
        (&["curl", "-H", "Authorization: hunter2"], &[S]),
        (&["curl", "-H", "X-Api-Key: hunter2"], &[S]),
        (&["curl", "-HPrivate-Token: hunter2"], &[S]),
        (&["curl", "-H", "Cookie: a=1; sid=hunter2"], &["a=1; sid=hunter2"]),
        (&["curl", "-d", "user=me&password=hunter2&x=1"], &[S]),
        (&["curl", "-d", r#"{"user":"me","password":"hun\"ter2","x":1}"#], &[r#"hun\"ter2"#]),
        (&["curl", "-d", r#"{"password": "hunter2"}"#], &[S]),
        (&["git", "clone", "https://me:hunter2@h/r.git"], &[S]),
        (
            &["git", "-c", "http.extraHeader=Authorization: Bearer hunter2hunter2", "f"],
            &["hunter2hunter2"],
        ),
        (&["psql", "postgres://me:hun@ter2@h:5432/db"], &["hun@ter2"]),
        (&["psql", "host=h user=me password=hunter2 dbname=x"], &[S]),
        (&["curl", "https://h/a?token=hunter2&b=1"], &[S]),
        (&["curl", "https://h/a?b=1&X-Amz-Signature=hunter2#x"], &[S]),
        (&["curl", "https://h/a?key=hunter2"], &[S]),
        (&["env", "AWS_SECRET_ACCESS_KEY=hunter2", "make"], &[S]),
        (&["env", "DB_PASSWORD=two words; and more"], &["two words; and more"]),
        (&["docker", "run", "-e", "GITHUB_TOKEN=hunter2", "i"], &[S]),
        (&["kubectl", "create", "secret", "generic", "x", "--from-literal=password=hunter2"], &[S]),
        (&["aws", "configure", "set", "aws_secret_access_key", "hunter2"], &[S]),
        (&["openssl", "enc", "-pass", "pass:hunter2"], &[S]),
        (&["openssl", "rsa", "-passin", "pass:hunter2"], &[S]),
        (&["mount", "-o", "username=me,password=hunter2,uid=0"], &[S]),
        (&["sh", "-c", "mysql -phunter2 -e 'select 1'"], &[S]),
        (&["sh", "-c", "tool --password hunter2 --x"], &[S]),
        (&["sh", "-c", "curl -u me:hunter2 https://h; echo"], &[S]),
        (&["sh", "-c", "PGPASSWORD=hunter2 psql"], &[S]),
        (&["sh", "-c", "export API_TOKEN='hunter2 x'; go"], &["hunter2 x"]),
        (&["sh", "-c", "curl -H 'Authorization: Bearer hunter2hunter2' h"], &["hunter2hunter2"]),
        (&["echo", &github], &[&github]),
        (&["git", "clone", "https://ghp_aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5@h/r"], &[&github]),
        (&["x", "AKIAIOSFODNN7EXAMPLE"], &["AKIAIOSFODNN7EXAMPLE"]),
        (&["x", jwt], &[jwt]),
        (&["x", "xoxb-123456789012-abcdefABCDEF"], &["xoxb-123456789012-abcdefABCDEF"]),
        (&["x", R40], &[R40]),
        (&["x", R64], &[R64]),
        (
            &["x", "pre/q3Zr9TfX1bLm7Yk2Vd8Ws4Gh6Jn5Pc0Qa/post"],
            &["q3Zr9TfX1bLm7Yk2Vd8Ws4Gh6Jn5Pc0Qa"],
        ),
        (
            &["x", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----"],
            &["\nb3Bl\n"],
        ),
        (&["x", "-----BEGIN RSA PRIVATE KEY-----\nMII"], &["\nMII"]),
    ];
    for (words, expected) in cases {
        let expected: Vec<String> = expected.iter().map(|part| (*part).to_owned()).collect();
        assert_eq!(found(words), expected, "{words:?}");
    }
}

#[test]
fn what_only_looks_like_a_secret_is_left_alone() {
    let near: &[&[&str]] = &[
        &["x", "--password-file=/run/secret", "--token-file", "t", "--password-stdin"],
        &["x", "--no-password", "next", "--ask-pass", "next", "--show-token", "next"],
        &["x", "--tokenizer=bert", "--passthrough", "y", "--secretary=z", "--bypass=1"],
        &["x", "--private-key=/home/me/.ssh/id", "--ssh-key", "/k", "--key=a"],
        &["x", "--password=", "--password=true", "--token=-", "-pass", "1"],
        &["openssl", "enc", "-pass", "env:PASS", "-pass", "file:/x"],
        &["mysql", "-p", "db", "-P3306"],
        &["mysql", "--password", "db"],
        &["ssh", "-p", "22", "host", "-pv"],
        &["docker", "run", "-p", "80:80", "i"],
        &["mkdir", "-p", "a/b"],
        &["curl", "-u", "me", "https://h:8080/a@b"],
        &["git", "clone", "ssh://git@github.com/a/b.git", "git@github.com:a/b.git"],
        &["git", "show", "871d7689d0a0e3e2a5c2a2f9d4b6d3c1f0e9d8c7"],
        &["x", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        &["x", "sha512-Q2bFTOhEALkN8hOms2FKTDLy7eugP2zFZ1T8LCvX42Fp3WoNr3bjZSAHeOsHrbV1"],
        &["x", "SHA256:uNiVztksCsDhcc0u9e8BrrJXvZJVXeGqvXgkxTsEJz4"],
        &["x", "550e8400-e29b-41d4-a716-446655440000"],
        &["x", "/nix/store/1b9p07z77phvv2hf6gm9f28syp39f1ag-bash-5.2/bin/bash"],
        &["x", "com.example.MyVeryLongClassNameWithManyWordsInIt2AndMore"],
        &["x", "_ZN4core3fmt9Formatter12pad_integral17hA1B2c3D4e5F6a7B8E"],
        &["ssh-keygen", "AAAAC3NzaC1lZDI1NTE5AAAAIJc2J5f7t8T5x3Qn5pX9u1B2v4Rr6Yy8Zz0AaBbCcDd"],
        &["rustc", "-C", "metadata=1f2e3d4c5b6a7980", "-C", "extra-filename=-1f2e3d4c5b6a7980"],
        &["cc", "-DVERSION=\"1.2.3\"", "-I/usr/include/x86_64-linux-gnu", "-MF", "a.d"],
        &["env", "PWD=/home/me", "OLDPWD=/", "PATH=/bin:/usr/bin", "KEY_FILE=/k"],
        &["sh", "-c", "curl -u \"$USER:$X\" --token $TOKEN -H \"Authorization: $A\" h"],
        &["sh", "-c", "export PASSWORD=$(cat x) TOKEN=${Y} && run --password \"$PASSWORD\""],
        &["psql", "-c", "select token, secret from passwords where key = 1"],
        &["grep", "-r", "password", "."],
        &["grep", "bearer of bad news", "the bearer is late"],
        &["docker", "pull", "registry/secret:latest", "token:1.0"],
        &["ffmpeg", "-pass", "2"],
        &["x", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"],
        &["x", "task-runner-with-a-rather-long-name-of-several-words"],
    ];
    for words in near {
        let found = found(words);
        let allowed: &[&str] = match words {
            // Where `"$USER:$X"` is one word, the shell's variable behind the colon is what is left.
            ["sh", "-c", text] if text.starts_with("curl") => &["$X"],
            _ => &[],
        };
        assert!(found.iter().all(|part| allowed.contains(&part.as_str())), "{words:?}: {found:?}");
    }
}

#[test]
fn the_same_secret_has_the_same_mark_under_one_key_and_another_under_another() {
    let (one, count) = marked(&argv(&["x", "--password=hunter2"]), &key());
    let (two, _) = marked(&argv(&["curl", "-u", "me:hunter2"]), &key());
    let mark = shown(&key().mark(b"hunter2"));
    assert_eq!(one, argv(&["x", &format!("--password={mark}")]));
    assert_eq!(two, argv(&["curl", "-u", &format!("me:{mark}")]));
    assert_eq!(count, 1);
    let other = Key::new([8; 32]);
    assert_ne!(other.mark(b"hunter2"), key().mark(b"hunter2"));
    assert_ne!(other.name(), key().name());
}

#[test]
fn of_too_many_secrets_none_is_left() {
    let words: Vec<String> = (0..200).map(|n| format!("--password=secret{n}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut argv = argv(&words);
    let mut spans = Spans::default();
    scan(&argv, &mut spans);
    blank(&mut argv, &spans);
    assert!(!String::from_utf8_lossy(&argv).contains("secret1"), "{:?}", spans.iter().last());
    assert_eq!(argv.iter().filter(|byte| **byte == 0).count(), 200, "arguments are not joined");
}

/// Texts that make a careless scanner look at the same bytes again and again.
#[test]
fn the_time_does_not_grow_faster_than_the_text() {
    let shapes = [
        "PWD=/",
        "password=env:",
        "password=$password=$",
        "api_key=",
        "Authorization: ",
        "eyJ-",
        "eyJhbGciOi-",
        "SG.",
        "ghp_",
        "://",
        "a:b@",
        "bearer ",
        "-----BEGIN PRIVATE KEY ",
        "\"",
        "password=\"",
        "x='",
        "=",
        ":",
        "?key=",
    ];
    for shape in shapes {
        let text: Vec<u8> = shape.bytes().cycle().take(128 * 1024).collect();
        let begun = std::time::Instant::now();
        scan(&text, &mut Spans::default());
        // A thousand times what a linear scan takes: only a square of the length is slower.
        assert!(begun.elapsed().as_secs() < 5, "{shape:?}: {:?}", begun.elapsed());
    }
}

fn secret() -> impl Strategy<Value = String> {
    "[A-Za-z0-9!%^*_+./~]{8,40}".prop_filter("a word that says where the secret is", |text| {
        words::secret_part(text.as_bytes(), false).is_some_and(|(skip, _)| skip == 0)
            && !text.starts_with("--")
    })
}

/// Where a secret may be, in arguments that are otherwise anything.
fn places(secret: &str) -> Vec<Vec<String>> {
    let own = |words: &[&str]| words.iter().map(|word| word.replace('@', secret)).collect();
    vec![
        own(&["--password=@"]),
        own(&["--token", "@"]),
        own(&["API_KEY=@"]),
        own(&["mysql", "-p@"]),
        own(&["curl", "-u", "me:@"]),
        own(&["-H", "X-Api-Key: @"]),
        own(&["-H", "Authorization: Bearer @"]),
        own(&[r#"{"secret": "@"}"#]),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_all_places_are_inside(argv in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut spans = Spans::default();
        scan(&argv, &mut spans);
        let mut end = 0;
        for span in spans.iter() {
            prop_assert!(span.at >= end && span.len > 0);
            end = span.range().end;
        }
        prop_assert!(end <= argv.len());
        let (text, count) = marked(&argv, &key());
        prop_assert_eq!(count, spans.iter().count());
        let mut blanked = argv.clone();
        blank(&mut blanked, &spans);
        prop_assert_eq!(blanked.len(), argv.len());
        prop_assert!(text.len() <= argv.len() + count * 24);
    }

    #[test]
    fn no_secret_is_left_wherever_it_stood(
        secret in secret(),
        before in prop::collection::vec("[a-z/.]{1,12}", 0..3),
        after in prop::collection::vec("[a-z/.=:-]{1,12}", 0..3),
    ) {
        for words in places(&secret) {
            let all: Vec<&str> =
                before.iter().chain(&words).chain(&after).map(String::as_str).collect();
            let mut argv = argv(&all);
            let mut spans = Spans::default();
            scan(&argv, &mut spans);
            let (shown, _) = marked(&argv, &key());
            blank(&mut argv, &spans);
            for text in [argv, shown] {
                let text = String::from_utf8_lossy(&text).into_owned();
                prop_assert!(!text.contains(&secret), "{all:?}: {text:?}");
            }
        }
    }
}
