//! systemd as process 1, in namespaces of a test's own (xtests/scripts/systemd.sh).

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use crate::{Lab, leftovers, wait};

/// A service manager with units of the test; all it started goes when this is dropped.
#[derive(Debug)]
pub struct Machine {
    outside: Child,
    /// Process 1, as the machine outside calls it.
    first: u32,
    cgroup: PathBuf,
    units: PathBuf,
}

impl Machine {
    /// Boots it, or says why it cannot be booted here.
    ///
    /// # Errors
    /// When there is no systemd, or no cgroup v2 to give it.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn boot(lab: &Lab, units: &[(&str, &str)]) -> Result<Machine, &'static str> {
        if !Path::new("/lib/systemd/systemd").exists() {
            return Err("systemd is not installed");
        }
        let root = leftovers::unified().ok_or("there is no cgroup v2")?;
        let name = lab.root().file_name().expect("it has a name").to_string_lossy().into_owned();
        let cgroup = root.join(format!("systemd-{name}"));
        fs::create_dir(&cgroup).map_err(|_| "no cgroup can be made")?;
        let dir = lab.root().join("units");
        fs::create_dir(&dir).expect("room");
        let target = "[Unit]\nDescription=Nothing but what a test starts\nDefaultDependencies=no\n";
        fs::write(dir.join("xtests.target"), target).expect("room");
        for (name, text) in units {
            fs::write(dir.join(name), text).expect("room");
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/systemd.sh");
        let outside = Command::new(script)
            .args([lab.root(), &cgroup])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(lab.root().join("boot.log")).expect("room"))
            .spawn()
            .expect("a shell");
        let mut machine = Machine { outside, first: 0, cgroup, units: dir };
        machine.first = wait::until("process 1", || {
            let pid = machine.outside.id();
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
            children.split_whitespace().next()?.parse().ok()
        });
        wait::until_true("the manager", || {
            machine.command("systemctl").args(["show", "-p", "Version"]).output().is_ok_and(|it| {
                let said = String::from_utf8_lossy(&it.stdout).into_owned();
                said.starts_with("Version=") && machine.is("xtests.target", "ActiveState", "active")
            })
        });
        Ok(machine)
    }

    /// A command of root's on it.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.first));
        command.args(["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--"]).arg(program);
        command.env("SYSTEMD_PAGER", "cat").env("SYSTEMD_LOG_TARGET", "console");
        command.stdin(Stdio::null());
        command
    }

    /// What `systemctl` with these arguments says.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn systemctl(&self, args: &[&str]) -> Output {
        self.command("systemctl").args(args).output().expect("nsenter starts")
    }

    /// Changes a file of a unit, or adds one, and has it read.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.units.join(name);
        fs::create_dir_all(path.parent().expect("it is in a directory")).expect("room");
        fs::write(path, text).expect("room");
        let read = self.systemctl(&["daemon-reload"]);
        assert!(read.status.success(), "{read:?}");
    }

    /// What the manager knows of a unit by this name.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn property(&self, unit: &str, name: &str) -> String {
        let shown = self.systemctl(&["show", "--value", "-p", name, unit]);
        String::from_utf8_lossy(&shown.stdout).trim().to_owned()
    }

    /// Whether it is so.
    #[must_use]
    pub fn is(&self, unit: &str, property: &str, value: &str) -> bool {
        self.property(unit, property) == value
    }

    /// Waits until it is so.
    ///
    /// # Panics
    /// When it does not come to be so: shows the unit.
    pub fn until(&self, unit: &str, property: &str, value: &str) {
        let end = std::time::Instant::now() + wait::DEADLINE;
        while !self.is(unit, property, value) {
            let shown = || self.systemctl(&["show", unit]);
            assert!(
                std::time::Instant::now() < end,
                "{unit}: no {property}={value}: {:?}",
                shown()
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // With its process 1 all others of a pid namespace end.
        let _ = fs::write(self.cgroup.join("cgroup.kill"), "1");
        let _ = self.outside.wait();
        leftovers::remove_with_all_below(&self.cgroup);
    }
}
