//! Runs are followed, explained and reported as documented.
#![forbid(unsafe_code)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use rustix::process::{Signal, kill_process};
use serde_json::Value;
use xtests::Lab;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"))
}

#[test]
fn tail_prints_what_the_record_has_and_goes_on_after_bad_lines() {
    let lab = Lab::new();
    let run = lab.run(["sh", "-c", "echo x >made.txt; cat made.txt"]).succeed();
    run.assert_whole();
    let record = xtests::lines(&run.dir);
    assert_eq!(lab.told(["tail"]), record);
    let last: Vec<&str> = record.lines().rev().take(2).collect();
    let tail = lab.told(["tail", run.id(), "-n", "2"]);
    assert_eq!(tail.lines().rev().collect::<Vec<_>>(), last);
    let file = lab.work().join("copy.jsonl");
    let bad = record.replacen('\n', "\n{\"seq\":\nnot json \u{7f}\n\n", 1);
    fs::write(&file, bad).expect("room");
    let output = lab.ask(["tail", "--file", file.to_str().expect("plain")]);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), record.lines().count() + 2);
    assert!(text.contains("{\"line\":2,\"type\":\"bad_line\"}"), "{text}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("2 lines cannot be read"));
    let exec = lab.told(["tail", "--type", "exec", "--exe", "cat"]);
    assert_eq!(exec.lines().count(), 1, "{exec}");
}

#[test]
fn tail_follows_a_run_while_it_happens_and_ends_with_it() {
    let lab = Lab::new();
    let script = "echo ready; read -r x; echo x >late.txt; echo done; read -r x";
    let mut running = lab.run(["sh", "-c", script]).with(["--heartbeat", "1"]).start_ungated();
    running.expect("ready");
    let mut command = lab.audit();
    let mut tail = command.args(["tail", "-f"]).spawn().expect("audit starts");
    let mut lines = BufReader::new(tail.stdout.take().expect("a pipe")).lines();
    let mut until = |what: &str| -> Value {
        lines
            .by_ref()
            .map(|line| json(&line.expect("a line")))
            .find(|line| {
                line["type"] == what
                    || line["path"].as_str().is_some_and(|path| path.ends_with(what))
            })
            .unwrap_or_else(|| panic!("no {what} came"))
    };
    until("exec");
    until("heartbeat");
    running.go();
    running.expect("done");
    until("late.txt");
    running.go();
    until("end");
    let run = running.record();
    assert!(run.status.success());
    assert!(tail.wait().expect("it ends").success());
}

/// A rule that finds a file by its name.
const RULE: &str = "rules:\n  - id: LATE\n    title: A late file\n    severity: high\n    when:\n      file: {op: write, path: '*/late.txt'}\n";

#[test]
fn tail_tells_findings_and_that_the_recorder_is_silent_and_lives_again() {
    let lab = Lab::new();
    let script = "echo ready; read -r x; echo x >late.txt; echo done; read -r x";
    let rules = lab.work().join("rules.yml");
    fs::write(&rules, RULE).expect("room");
    let options = ["--heartbeat", "1", "--rules", rules.to_str().expect("plain")];
    let mut running = lab.run(["sh", "-c", script]).with(options).start_ungated();
    running.expect("ready");
    let mut command = lab.audit();
    let mut tail = command.args(["tail", "-f", "--stale-after", "4s"]).spawn().expect("it starts");
    let mut lines = BufReader::new(tail.stdout.take().expect("a pipe")).lines();
    let mut until = |what: &str| -> Value {
        let mut all = lines.by_ref().map(|line| json(&line.expect("a line")));
        all.find(|line| line["type"] == what).unwrap_or_else(|| panic!("no {what} came"))
    };
    until("heartbeat");
    running.go();
    running.expect("done");
    let finding = until("finding");
    assert_eq!(
        (finding["rule"].as_str(), finding["severity"].as_str()),
        (Some("LATE"), Some("high"))
    );
    let supervisor = running.supervisor();
    kill_process(supervisor, Signal::STOP).expect("it lives");
    let silent = until("recorder.stale")["silent_ms"].as_u64();
    assert!(silent >= Some(4_000), "{silent:?}");
    kill_process(supervisor, Signal::CONT).expect("it lives");
    until("recorder.alive");
    running.go();
    until("end");
    assert!(running.record().status.success());
    let output = tail.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("silent") && said.contains("alive again"));
}

#[test]
fn an_answer_names_processes_with_their_ancestors() {
    let lab = Lab::new();
    let script = "sh -c 'echo x >made.txt; cat made.txt >copy.txt; true'; rm made.txt";
    let run = lab.run(["bash", "-c", script]).succeed();
    run.assert_whole();
    let made = lab.work().join("made.txt");
    let made = made.to_str().expect("plain");
    let page = json(&lab.told(["explain", "--path", made, "--json"]));
    let who: Vec<&str> = page["processes"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["process"]["name"].as_str())
        .collect();
    for name in ["dash", "cat", "rm"] {
        assert!(who.contains(&name), "{name}: {page}");
    }
    let cat =
        run.of("exec", "").find(|event| event.text("exe").ends_with("/cat")).expect("cat ran");
    let pid = cat.number("pid").expect("a pid").to_string();
    let page = lab.told(["explain", "--pid", &pid]);
    assert!(page.contains("How it came to this") && page.contains("dash ("), "{page}");
    let seq = cat.number("seq").expect("a number");
    let event = lab.told(["explain", &format!("{}:{seq}", run.id())]);
    assert!(event.contains("What it did next") && event.contains("copy.txt"), "{event}");
    let raw = lab.told(["explain", "--drill", &seq.to_string(), "--raw"]);
    assert!(raw.contains("\"seq\":"), "{raw}");
    assert_eq!(lab.ask(["explain", "--path", "/no/such/file"]).status.code(), Some(1));
    assert!(lab.told(["explain"]).contains("No findings"));
}

#[test]
fn a_report_is_one_file_that_asks_for_nothing() {
    let lab = Lab::new();
    let run = lab.run(["sh", "-c", "echo x >'<b>.txt'; cat '<b>.txt'"]).succeed();
    run.assert_whole();
    let file = lab.work().join("run.html");
    lab.told(["report", run.id(), "-o", file.to_str().expect("plain")]);
    let page = fs::read_to_string(&file).expect("it is there");
    assert!(page.contains("default-src 'none'") && page.contains("&lt;b&gt;.txt"));
    for word in ["<b>.txt", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(word), "{word}");
    }
    let sarif = json(&lab.told(["report", "--format", "sarif"]));
    assert_eq!(sarif["version"], "2.1.0");
    assert!(lab.told(["report", "--format", "junit"]).contains("<testsuite "));
    let summary = lab.work().join("summary.md");
    let mut command = lab.audit();
    command.env("GITHUB_STEP_SUMMARY", &summary).args(["report", "--format", "github"]);
    assert!(command.output().expect("audit starts").status.success());
    assert!(fs::read_to_string(&summary).expect("it is there").contains("## audit "));
}

/// What a browser says of a page: its console, and whether it made a picture.
fn shown(browser: &str, lab: &Lab, page: &std::path::Path) -> (String, u64) {
    let picture = lab.work().join("page.png");
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.args([
        "--disable-background-networking",
        "--enable-logging=stderr",
        "--window-size=1200,1600",
    ]);
    command.arg(format!("--user-data-dir={}", lab.work().join("browser").display()));
    command.arg(format!("--screenshot={}", picture.display()));
    let output = command.arg(format!("file://{}", page.display())).output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let console: Vec<&str> = said.lines().filter(|line| line.contains(":CONSOLE")).collect();
    (console.join("\n"), fs::metadata(&picture).map_or(0, |it| it.len()))
}

#[test]
fn a_browser_shows_the_report_without_a_word_and_without_a_request() {
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let works = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    let Some(browser) = known.iter().find(works) else {
        xtests::not_run("the report in a browser", "there is no Chromium on this machine");
        return;
    };
    let lab = Lab::new();
    lab.run(["sh", "-c", "echo x >'<b>.txt'; cat '<b>.txt'"]).succeed().assert_whole();
    let file = lab.work().join("run.html");
    lab.told(["report", "-o", file.to_str().expect("plain")]);
    let (console, picture) = shown(browser, &lab, &file);
    // What a page wants to load and may not is told on the console.
    assert_eq!(console, "");
    assert!(picture > 10_000, "a picture of {picture} bytes");
    let page = fs::read_to_string(&file).expect("it is there");
    let asks = lab.work().join("asks.html");
    fs::write(&asks, page.replace("</body>", "<img src='http://192.0.2.1/x'></body>"))
        .expect("room");
    let (console, _) = shown(browser, &lab, &asks);
    assert!(console.contains("192.0.2.1"), "a request is seen by this test: {console:?}");
}

#[test]
fn files_and_peers_are_listed_in_full() {
    let lab = Lab::new();
    let run = lab.run(["sh", "-c", "echo x >made.txt; rm made.txt"]).succeed();
    let page = json(&lab.told(["view", "--files", "--json"]));
    let files = page["files"].as_array().expect("a list");
    let mut paths: Vec<&str> = run.of("file", "").map(|event| event.text("path")).collect();
    paths.retain(|path| !path.is_empty());
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(files.len(), paths.len());
    let made = files.iter().find(|it| it["path"].as_str().is_some_and(|p| p.ends_with("made.txt")));
    assert_eq!(made.expect("it is listed")["did"]["delete"], 1);
    assert!(lab.told(["view", "--net", "--json"]).contains("\"peers\": []"));
}

#[test]
fn recipes_with_jq_work_as_they_are_written() {
    let Ok(jq) = Command::new("jq").arg("--version").output() else {
        xtests::not_run("recipes with jq", "there is no jq on this machine");
        return;
    };
    assert!(jq.status.success());
    let lab = Lab::new();
    lab.run(["sh", "-c", "echo x >made.txt; cat made.txt"]).succeed().assert_whole();
    let lines = lab.told(["tail"]);
    for (filter, word) in [
        ("select(.type==\"exec\") | .argv | join(\" \")", "cat made.txt"),
        ("select(.type==\"file\" and .op==\"write\") | .path", "made.txt"),
    ] {
        let mut child = Command::new("jq");
        let child = child.args(["-r", filter]);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("jq");
        child.stdin.take().expect("a pipe").write_all(lines.as_bytes()).expect("jq reads");
        let output = child.wait_with_output().expect("jq ends");
        assert!(String::from_utf8_lossy(&output.stdout).contains(word), "{filter}");
    }
}
