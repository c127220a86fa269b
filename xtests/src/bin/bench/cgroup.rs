//! A cgroup around one run of a workload: what is in it, and what CPU time it took.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Gone with this.
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    /// Makes one at the top of the v2 tree.
    pub(crate) fn new(name: &str) -> Cgroup {
        let table = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        let line = table.lines().find(|line| line.contains(" - cgroup2 ")).expect("cgroup v2");
        let top = line.split(' ').nth(4).expect("a place");
        let path = Path::new(top).join(format!("bench-{}-{name}", std::process::id()));
        fs::create_dir(&path).expect("root may");
        Cgroup(path)
    }

    /// Starts `command` in it: by a shell, which goes there and becomes the command.
    pub(crate) fn within(&self, command: &Command) -> Command {
        let mut inside = Command::new("/bin/sh");
        let procs = self.0.join("cgroup.procs");
        inside.args(["-c", "echo $$ > \"$0\"; exec \"$@\""]).arg(procs);
        inside.arg(command.get_program()).args(command.get_args());
        inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(dir) = command.get_current_dir() {
            inside.current_dir(dir);
        }
        inside.process_group(0);
        inside
    }

    /// CPU time of all that ever ran in it, seconds (Documentation/admin-guide/cgroup-v2.rst).
    pub(crate) fn cpu(&self) -> f64 {
        let stat = fs::read_to_string(self.0.join("cpu.stat")).expect("it reads");
        let line = stat.lines().find_map(|line| line.strip_prefix("usage_usec "));
        line.and_then(|number| number.parse::<f64>().ok()).expect("a number") / 1e6
    }

    /// Processes in it and below it.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let mut dirs = vec![self.0.clone()];
        let mut all = Vec::new();
        while let Some(dir) = dirs.pop() {
            let list = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
            all.extend(list.lines().filter_map(|line| line.parse::<u32>().ok()));
            let below = fs::read_dir(&dir).into_iter().flatten().flatten();
            dirs.extend(below.map(|entry| entry.path()).filter(|path| path.is_dir()));
        }
        all
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for _ in 0..200 {
            // A process that has just ended is in it for a moment.
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        eprintln!("bench: {} is left", self.0.display());
    }
}
