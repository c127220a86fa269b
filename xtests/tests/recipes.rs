//! The commands of docs/recipes.md answer their questions.
#![forbid(unsafe_code)]

use std::{fs, net::TcpListener, process::Command};

use serde_json::Value;

use xtests::Lab;

/// The commands of the page, in its order.
fn commands() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/recipes.md");
    let page = fs::read_to_string(page).expect("the page is there");
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(|block| block.trim().to_owned()).collect()
}

#[test]
fn each_recipe_answers_its_question() {
    let lab = Lab::new();
    lab.run(["true"]).succeed().assert_whole();
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = server.local_addr().expect("an address").port();
    let secrets = lab.work().join(".aws");
    fs::create_dir(&secrets).expect("room");
    fs::write(secrets.join("credentials"), "x").expect("room");
    let outside = lab.root().join("outside.txt");
    let script = format!(
        "cat .aws/credentials >/dev/null; echo x >{}; cp /bin/true tool; ./tool; \
         echo x >gone.txt; rm gone.txt; exec 3<>/dev/tcp/127.0.0.1/{port}; echo hi >&3; exec 3>&-; \
         sh -c 'exit 3'; true",
        outside.display()
    );
    let run = lab.run(["bash", "-c", &script]).succeed();
    run.assert_whole();
    let bash = run.of("exec", "").find(|event| event.text("exe").ends_with("/bash"));
    let pid = bash.and_then(|event| event.number("pid")).expect("bash ran").to_string();
    let tool = lab.work().join("tool");
    let expected = [
        "cat (",
        outside.to_str().expect("plain"),
        tool.to_str().expect("plain"),
        "127.0.0.1",
        "gone.txt",
        "/rm",
        "/bash",
        "exit 3",
        "None of ",
        "SOURCES",
    ];
    let commands = commands();
    assert_eq!(commands.len(), expected.len());
    let path = format!("{}:{}", lab.bin().display(), std::env::var("PATH").unwrap_or_default());
    let _ = lab.program("audit");
    for (command, word) in commands.iter().zip(expected) {
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(lab.work())
            .env("AUDIT_HOME", lab.home())
            .env("PATH", &path)
            .env("PID", &pid)
            .env("FILE", "gone.txt")
            .env("HOST", format!("127.0.0.1:{port}"))
            .env_remove("AUDIT_RUN_ID")
            .output()
            .expect("sh starts");
        let page = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && page.contains(word),
            "{command}: {word}: {page}{errors}"
        );
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

#[test]
fn hosts_and_programs_are_new_that_no_run_before_had_to_do_with() {
    let lab = Lab::new();
    let (one, other) = (TcpListener::bind("127.0.0.1:0"), TcpListener::bind("127.0.0.2:0"));
    let address = |server: &std::io::Result<TcpListener>| {
        let server = server.as_ref().expect("a port").local_addr().expect("an address");
        format!("/dev/tcp/{}/{}", server.ip(), server.port())
    };
    let (one, other) = (address(&one), address(&other));
    lab.run(["bash", "-c", &format!("exec 3<>{one}")]).succeed().assert_whole();
    let first = json(&lab.told(["query", "--type", "start", "--fields", "ts", "--json"]));
    let first = first["ts"].as_str().expect("a time").to_owned();
    // A time between the runs: the beginning of a second that is not the first one's.
    let since = xtests::wait::until("another second", || {
        let now = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().expect("date");
        let now = String::from_utf8_lossy(&now.stdout).trim().to_owned();
        (now.get(..19) > first.get(..19)).then_some(now)
    });
    let none = lab.ask(["new", "--since", &since]);
    assert_eq!(none.status.code(), Some(1), "{}", String::from_utf8_lossy(&none.stdout));
    let script =
        format!("exec 3<>{one}; exec 4<>{other}; echo hello >&4; cat /dev/null; cat /dev/null");
    let run = lab.run(["bash", "-c", &script]).succeed();
    run.assert_whole();
    let page = json(&lab.told(["new", "--since", &since, "--json"]));
    let names = |what: &str| -> Vec<(String, u64)> {
        let list = page[what].as_array().expect("a list");
        list.iter()
            .map(|it| {
                (it["name"].as_str().unwrap_or("?").to_owned(), it["times"].as_u64().unwrap_or(0))
            })
            .collect()
    };
    assert_eq!(names("hosts"), [("127.0.0.2".to_owned(), 1)], "{page}");
    assert_eq!(names("programs"), [("/usr/bin/cat".to_owned(), 2)], "{page}");
    assert_eq!(page["hosts"][0]["sent_bytes"], 6);
    assert_eq!(page["runs"], serde_json::json!({ "before": 1, "since": 1 }));
    let text = lab.told(["new", "hosts", "--since", &since]);
    assert!(text.contains("127.0.0.2") && text.contains("1 host, new in 1 run since"), "{text}");
    assert!(!text.contains("/usr/bin/cat") && text.lines().all(|line| line.chars().count() <= 80));
    // With the week as it is asked for by default there is nothing to compare with.
    let week = lab.told(["new", "hosts"]).replace('\n', " ");
    assert!(week.contains("0 runs before: nothing to compare with"), "{week}");
    let view = lab.told(["view", run.id()]);
    assert!(view.contains("new here  /usr/bin/cat (2)  (not in the run before)"), "{view}");
}

#[test]
fn what_failed_and_what_still_ran_is_told_with_who_started_it() {
    let lab = Lab::new();
    let script = "bash -c 'exit 3'; bash -c 'kill -TERM $$'; cat /dev/null; sleep 600 >/dev/null 2>&1 & echo $!";
    let run = lab.run(["bash", "-c", script]).with(["--linger", "1s"]).succeed();
    let left: i32 = String::from_utf8_lossy(&run.stdout).trim().parse().expect("a pid");
    let failed = json(&lab.told(["view", "--failed", "--json"]));
    let list = failed["list"].as_array().expect("a list");
    let told: Vec<(&str, &str, &str)> = list
        .iter()
        .map(|it| {
            (
                it["outcome"].as_str().unwrap_or_default(),
                it["command"].as_str().unwrap_or_default(),
                it["parent"]["name"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    let expected = [
        ("exit 3", "bash -c 'exit 3'", "bash"),
        ("killed by TERM", "bash -c 'kill -TERM $$'", "bash"),
    ];
    assert_eq!(told, expected);
    let running = json(&lab.told(["view", "--running", "--json"]));
    assert_eq!(running["found"], 1, "{running}");
    assert_eq!(running["list"][0]["pid"], left);
    assert_eq!(running["list"][0]["command"], "sleep 600");
    let text = lab.told(["view", "--running"]);
    assert!(
        text.contains("sleep 600") && text.contains("went on when the recording ended"),
        "{text}"
    );
    lab.remove_leaf(run.id());
}
