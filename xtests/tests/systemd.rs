//! systemd itself, as process 1 of namespaces of the test's own, starts services by the drop-in that
//! `audit setup --unit` prints: they are ready, reload, are watched and stop as without us, and are recorded.
#![forbid(unsafe_code)]

use std::{fs, io::Write, os::unix::net::UnixStream, path::PathBuf, process::Output};

use xtests::{Lab, Machine, Recorded, not_run, wait};

/// A unit of the tester, which writes to `work/NAME.log`.
fn unit(lab: &Lab, name: &str, settings: &str, arguments: &str) -> String {
    let (tester, log) = (lab.tester("service"), log(lab, name));
    format!(
        "[Unit]\nDescription=Service {name}\nDefaultDependencies=no\n[Service]\n{settings}\
         ExecStart={} {} {arguments}\nEnvironment=AUDIT_HOME={} AUDIT_NO_BUILTIN=1\n\
         TimeoutStartSec=60\nTimeoutStopSec=60\n",
        tester.display(),
        log.display(),
        lab.home().display()
    )
}

fn log(lab: &Lab, name: &str) -> PathBuf {
    lab.work().join(name).with_extension("log")
}

fn logged(lab: &Lab, name: &str) -> String {
    fs::read_to_string(log(lab, name)).unwrap_or_default()
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat()
}

/// Boots with these services, each recorded by the drop-in that is printed for it.
fn boot(lab: &Lab, units: &[(&str, String)]) -> Option<Machine> {
    let (audit, texts) = (lab.program("audit"), units.iter().map(|(name, text)| (*name, &**text)));
    let machine = match Machine::boot(lab, &texts.collect::<Vec<_>>()) {
        Ok(machine) => machine,
        Err(why) => {
            not_run("systemd as process 1", why);
            return None;
        }
    };
    for (name, _) in units.iter().filter(|(name, _)| name.ends_with(".service")) {
        let mut setup = machine.command(audit.to_str().expect("text"));
        let printed = setup.args(["setup", "--unit", name]).output().expect("it starts");
        assert!(printed.status.success(), "{}", said(&printed));
        let page = said(&printed).replace("/usr/bin/audit", audit.to_str().expect("text"));
        machine.write(&format!("{name}.d/50-audit.conf"), &page);
        let mut verify = machine.command("systemd-analyze");
        let verified = verify.args(["verify", "--man=no", name]).output().expect("it starts");
        assert_eq!((verified.status.code(), said(&verified)), (Some(0), String::new()), "{page}");
    }
    Some(machine)
}

fn must(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

/// The one run of the service, when its record has ended.
fn record(lab: &Lab, service: &str) -> Recorded {
    let named = format!("-{service}-");
    let mut of = lab.runs();
    of.retain(|dir| dir.to_string_lossy().contains(&named));
    let [dir] = of.as_slice() else { panic!("{service}: {of:?}") };
    wait::until_true("the end of the record", || dir.join("segments/seal").exists());
    let done = lab.ask(["view".as_ref(), dir.as_os_str()]);
    Recorded::read(dir, done.status, done.stdout, done.stderr)
}

/// What process 1 takes for the service.
fn main_program(machine: &Machine, service: &str) -> String {
    let pid = machine.property(service, "MainPID");
    let link = machine.command("readlink").arg(format!("/proc/{pid}/exe")).output();
    said(&link.expect("nsenter starts")).trim().to_owned()
}

#[test]
fn services_of_each_type_that_stay_are_ready_reload_and_stop() {
    let lab = Lab::new();
    let reload = "ExecReload=/bin/kill -HUP $MAINPID\n";
    let types = [("simple", ""), ("exec", ""), ("notify", "NotifyAccess=main\n")];
    let mut units: Vec<(String, String)> = types
        .iter()
        .map(|(of, more)| {
            let text = unit(&lab, of, &format!("Type={of}\n{more}{reload}"), "");
            (format!("{of}.service"), text)
        })
        .collect();
    // Since systemd 253; before, it would be a unit that cannot be read.
    let version = std::process::Command::new("systemctl").arg("--version").output();
    let version = version.map(|it| said(&it)).unwrap_or_default();
    let number = version.split_whitespace().nth(1).and_then(|number| number.parse().ok());
    if number.is_some_and(|number: u32| number >= 253) {
        let text = unit(&lab, "notify-reload", "Type=notify-reload\n", "");
        units.push(("notify-reload.service".to_owned(), text));
    } else {
        not_run("Type=notify-reload", "systemd is older than 253");
    }
    let listed: Vec<(&str, String)> =
        units.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let Some(machine) = boot(&lab, &listed) else { return };
    for (service, _) in &units {
        let name = service.trim_end_matches(".service");
        must(&machine.systemctl(&["start", service]));
        machine.until(service, "ActiveState", "active");
        wait::until_true("the service", || logged(&lab, name).starts_with("up "));
        let audit = lab.program("audit");
        assert_eq!(main_program(&machine, service), audit.display().to_string(), "{name}");
        if name.starts_with("notify") {
            assert!(logged(&lab, name).starts_with("up watchdog 0 listen 0"));
            machine.until(service, "StatusText", "serving");
        }
        must(&machine.systemctl(&["reload", service]));
        wait::until_true("the reload", || logged(&lab, name).contains("reloaded\n"));
        machine.until(service, "ActiveState", "active");
        must(&machine.systemctl(&["stop", service]));
        assert!(machine.is(service, "ActiveState", "inactive"), "{name}");
        assert!(machine.is(service, "Result", "success"), "{name}");
        assert!(logged(&lab, name).ends_with("reloaded\nstopped\n"), "{}", logged(&lab, name));
        let run = record(&lab, name);
        run.assert_whole();
        assert_eq!(run.execs_of(&lab.tester("service")).count(), 1, "{name}");
        assert_eq!(run.end().text("ending"), "empty", "{:?}", run.end());
    }
}

#[test]
fn a_service_that_hangs_is_ended_by_the_watchdog_and_one_that_does_not_is_left_alone() {
    let lab = Lab::new();
    let settings = "Type=notify\nWatchdogSec=3\n";
    let units = [("watched.service", unit(&lab, "watched", settings, ""))];
    let Some(machine) = boot(&lab, &units) else { return };
    let service = "watched.service";
    must(&machine.systemctl(&["start", service]));
    assert!(logged(&lab, "watched").starts_with("up watchdog 1 "), "{}", logged(&lab, "watched"));
    let alive = || machine.property(service, "WatchdogTimestampMonotonic");
    let first = alive();
    wait::until_true("a word that it is alive", || alive() != first);
    must(&machine.systemctl(&["kill", "--kill-whom=main", "-s", "USR1", service]));
    machine.until(service, "ActiveState", "failed");
    assert_eq!(machine.property(service, "Result"), "watchdog");
    assert_eq!(record(&lab, "watched").of("exec", "").count(), 1);
}

#[test]
fn a_service_that_forks_is_up_when_its_first_process_ends_and_is_recorded_until_it_is_stopped() {
    let lab = Lab::new();
    let pidfile = lab.work().join("forking.pid");
    let settings = format!("Type=forking\nPIDFile={}\n", pidfile.display());
    let text = unit(&lab, "forking", &settings, &pidfile.display().to_string());
    let Some(machine) = boot(&lab, &[("forking.service", text)]) else { return };
    let (service, tester) = ("forking.service", lab.tester("service"));
    must(&machine.systemctl(&["start", service]));
    assert!(machine.is(service, "ActiveState", "active"));
    assert_eq!(main_program(&machine, service), tester.display().to_string());
    must(&machine.systemctl(&["kill", "--kill-whom=main", "-s", "HUP", service]));
    wait::until_true("the reload", || logged(&lab, "forking").contains("reloaded\n"));
    must(&machine.systemctl(&["stop", service]));
    assert_eq!(machine.property(service, "Result"), "success");
    assert!(
        logged(&lab, "forking").ends_with("reloaded\nstopped\n"),
        "{}",
        logged(&lab, "forking")
    );
    let run = record(&lab, "forking");
    run.assert_whole();
    assert_eq!(run.number_of("process", "exit"), 2, "both processes");
    assert_eq!(run.end().text("ending"), "empty", "{:?}", run.end());
}

#[test]
fn a_socket_that_the_manager_listens_on_is_the_services() {
    let lab = Lab::new();
    let path = lab.work().join("socket");
    let socket =
        format!("[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream={}\n", path.display());
    let text = unit(&lab, "asked", "Type=notify\n", "");
    let units = [("asked.socket", socket), ("asked.service", text)];
    let Some(machine) = boot(&lab, &units) else { return };
    must(&machine.systemctl(&["start", "asked.socket"]));
    let mut peer = UnixStream::connect(&path).expect("the manager listens");
    peer.write_all(b"a word").expect("it is taken");
    wait::until_true("the word", || logged(&lab, "asked").ends_with("got a word\n"));
    assert!(logged(&lab, "asked").starts_with("up watchdog 0 listen 1\n"));
    must(&machine.systemctl(&["stop", "asked.socket", "asked.service"]));
    record(&lab, "asked").assert_whole();
}

#[test]
fn a_service_that_ends_has_the_status_that_it_would_have_alone_hardened_or_not() {
    let lab = Lab::new();
    let hardened = format!(
        "NoNewPrivileges=yes\nProtectSystem=strict\nPrivateTmp=no\nProtectHome=yes\n\
         ProtectControlGroups=yes\nPrivateDevices=yes\nReadWritePaths={}\n",
        lab.root().display()
    );
    let of = |settings: &str, command: &str| {
        format!(
            "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n{settings}\
             Environment=AUDIT_HOME={} AUDIT_NO_BUILTIN=1\nExecStart={command}\n",
            lab.home().display()
        )
    };
    let units = [
        ("good.service", of("", "/bin/sh -c 'exit 0'")),
        ("bad.service", of("", "/bin/sh -c 'exit 7'")),
        ("killed.service", of("LimitCORE=0\n", "/bin/sh -c 'kill -SEGV $$$$'")),
        ("hardened.service", of(&hardened, "/bin/sh -c 'exit 5'")),
    ];
    let Some(machine) = boot(&lab, &units) else { return };
    for (name, result, status) in [
        ("good", "success", "0"),
        ("bad", "exit-code", "7"),
        ("killed", "signal", "11"),
        ("hardened", "exit-code", "5"),
    ] {
        let service = format!("{name}.service");
        let started = machine.systemctl(&["start", &service]);
        assert_eq!(started.status.success(), result == "success", "{name}: {}", said(&started));
        assert_eq!(machine.property(&service, "Result"), result, "{name}");
        assert_eq!(machine.property(&service, "ExecMainStatus"), status, "{name}");
        record(&lab, name).assert_whole();
    }
}
