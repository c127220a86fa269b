//! What is run: the workloads of the goals in docs/benchmarks.md.

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) name: String,
    /// Script that makes what the command needs, once, unmeasured, in an empty directory; each run has a copy.
    pub(crate) prepare: &'static str,
    /// The command; `$LOAD` in a word is the program of load.c.
    pub(crate) words: Vec<String>,
    /// Type, operation and part of the path or program of the events that it makes, and how many.
    pub(crate) expected: Option<(&'static str, &'static str, &'static str, u64)>,
    /// Most that recording may cost: ratio of wall time, and of CPU time with the recorder's.
    pub(crate) goal: Option<(f64, f64)>,
    needs: &'static str,
}

impl Workload {
    pub(crate) fn command(name: &str, prepare: &'static str, words: &[&str]) -> Workload {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let name = name.to_owned();
        Workload { name, prepare, words, expected: None, goal: None, needs: "" }
    }

    fn load(name: &str, prepare: &'static str, what: &str, times: u64) -> Workload {
        Workload::command(name, prepare, &["$LOAD", what, &times.to_string()])
    }

    fn makes(self, kind: &'static str, op: &'static str, part: &'static str, times: u64) -> Self {
        Workload { expected: Some((kind, op, part, times)), ..self }
    }

    fn goal(self, wall: f64, cpu: f64) -> Self {
        Workload { goal: Some((wall, cpu)), ..self }
    }

    fn needs(self, program: &'static str) -> Self {
        Workload { needs: program, ..self }
    }

    /// The program without which it cannot be run, if that is not here.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        (!self.needs.is_empty() && !is_there(self.needs)).then_some(self.needs)
    }
}

/// Whether a program of this name is in `PATH`.
pub(crate) fn is_there(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}

/// A C project of 120 files that each include what C programs do.
const C_PROJECT: &str = r##"
for i in $(seq 120); do
  { for h in stdio stdlib string errno unistd sys/stat sys/socket netinet/in pthread signal time math; do
      echo "#include <$h.h>"; done
    for j in $(seq 40); do echo "int f${i}_$j(int a, char *b) { return snprintf(b, 10, \"%d\", a * $j) + (int)strlen(b); }"; done
  } > f$i.c
done
echo 'int main(void) { return 0; }' > main.c
printf 'OBJ := $(patsubst %%.c,%%.o,$(wildcard *.c))\nall: $(OBJ)\n\tcc -o all $(OBJ)\n%%.o: %%.c\n\tcc -O1 -c -o $@ $<\n' > Makefile
"##;

/// A Cargo workspace of 12 crates that need nothing from outside.
const CARGO: &str = r##"
printf '[workspace]\nresolver = "3"\nmembers = ["c*"]\n' > Cargo.toml
for i in $(seq 12); do mkdir -p c$i/src
  printf '[package]\nname = "c%d"\nversion = "0.1.0"\nedition = "2021"\n' $i > c$i/Cargo.toml
  for j in $(seq 60); do echo "pub fn f$j(words: &[String]) -> std::collections::BTreeMap<String, usize> { words.iter().map(|w| (format!(\"{w}{}\", $j), w.len())).collect() }"; done > c$i/src/lib.rs
done"##;

/// A tree of 20,000 small files and a repository of 300 commits.
const TREE: &str = r#"for d in $(seq 200); do mkdir d$d; for f in $(seq 100); do echo "line $d $f" > d$d/f$f; done; done"#;
const REPOSITORY: &str = r#"git init -q r; cd r; git config user.email a@b; git config user.name n
for i in $(seq 300); do echo $i > f$((i % 50)); git add .; git commit -qm $i; done"#;

/// A Python package of 300 modules, and a Node one.
const PIP: &str = r#"python3 - <<'END'
import zipfile
info = "many-1.dist-info/"
with zipfile.ZipFile("many-1-py3-none-any.whl", "w") as wheel:
    names = ["many/__init__.py"] + [f"many/m{i}.py" for i in range(300)] + [info + "METADATA", info + "WHEEL"]
    for i, name in enumerate(names[:301]):
        wheel.writestr(name, f"def f(a):\n    return [a, {i}]\n")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: many\nVersion: 1\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "".join(f"{name},,\n" for name in names + [info + "RECORD"]))
END"#;
const NPM: &str = r#"for p in $(seq 20); do mkdir -p p$p/lib; printf '{"name":"p%d","version":"1.0.0"}' $p > p$p/package.json
for i in $(seq 30); do echo "module.exports = $i" > p$p/lib/m$i.js; done; (cd p$p && tar -czf ../p$p.tgz --transform 's,^,package/,' package.json lib); done
echo '{"name":"all","version":"1.0.0"}' > package.json"#;

/// What an agent does, 25 times: looks around, searches, edits, looks again; some 500 processes and 16,000 opens.
const AGENT: &str = r#"export LC_ALL=C; for i in $(seq 25); do ls -la > /dev/null; git status --short > /dev/null; git ls-files | wc -l > /dev/null
 grep -rn --exclude-dir=.git "line $i " . > /dev/null; sed -i "s/line/word/" d$i/f1; cat d$i/* > /dev/null; stat d$i/f4 > /dev/null
 find . -name "f$i" > /dev/null; head -n 3 d$i/f2 | wc -l > /dev/null; git diff --stat > /dev/null; sh -c "test -e d$i/f1"
 awk '{n++} END {print n}' d$i/f3 > /dev/null; sort d$i/* | uniq -c | tail -n 1 > /dev/null; diff d$i/f1 d$i/f5 > /dev/null
 cut -c1-4 d$i/f6 > /dev/null; cp d$i/f7 d$i/new; done"#;
const AGENT_TREE: &str = r#"git init -q .; git config user.email a@b; git config user.name n
for d in $(seq 25); do mkdir d$d; for f in $(seq 7); do echo "line $d $f" > d$d/f$f; done; done; git add .; git commit -qm all"#;

/// Name of the one whose table row is about an idle recorder.
pub(crate) const IDLE: &str = "idle";

/// All, `scale` percent of their size where that is a number.
pub(crate) fn all(scale: u64) -> Vec<Workload> {
    let of = |times: u64| (times * scale / 100).max(1);
    let shell = |name: &str, prepare, script: &str| {
        Workload::command(name, prepare, &["/bin/bash", "-c", script])
    };
    let idle = of(60);
    let jobs = [
        shell("compile a C project, `make -j2`", C_PROJECT, "make -s -j2")
            .needs("make")
            .goal(1.04, 1.08),
        shell("cargo build, 12 crates", CARGO, "CARGO_TARGET_DIR=t cargo build -q --offline")
            .needs("cargo")
            .goal(1.04, 1.08),
        shell("mixed agent-like session", AGENT_TREE, AGENT).needs("git").goal(1.05, 1.10),
        shell("git clone, status, gc", REPOSITORY, "git clone -q r c; cd c; git status; git gc -q")
            .needs("git")
            .goal(1.07, 1.12),
        shell(
            "pip install of a local package",
            PIP,
            "python3 -m pip install -q --no-index --no-deps --target t ./many-1-py3-none-any.whl",
        )
        .needs("python3")
        .goal(1.03, 1.08),
        shell(
            "npm install of local packages",
            NPM,
            "npm install --offline --no-audit --no-fund -s ./p*.tgz",
        )
        .needs("npm")
        .goal(1.03, 1.08),
        shell("python start-up, 40 times", "", "for i in $(seq 40); do python3 -c pass; done")
            .needs("python3"),
        shell("node start-up, 20 times", "", "for i in $(seq 20); do node -e 0; done")
            .needs("node"),
    ];
    let idle = shell(&format!("{IDLE}, {idle} s"), "", &format!("sleep {idle}"));
    jobs.into_iter().chain(loads(of)).chain([idle]).collect()
}

/// Those of one kind of call each.
fn loads(of: impl Fn(u64) -> u64) -> impl Iterator<Item = Workload> {
    let (spawns, opens, churn, renames) = (of(20_000), of(1_000_000), of(200_000), of(100_000));
    let (connects, sends, writes) = (of(20_000), of(100_000), of(1_000_000));
    let shell = |name: &str, prepare, script: &str| {
        Workload::command(name, prepare, &["/bin/bash", "-c", script])
    };
    [
        Workload::load("spawns (posix_spawn of `true`)", "", "spawn", spawns)
            .makes("exec", "", "/true", spawns)
            .goal(1.12, 1.20),
        Workload::load("open/read/close of 10,000 files", "\"$LOAD\" fill 10000", "opens", opens)
            .makes("file", "read", "/job/f", opens)
            .goal(1.20, 1.50),
        shell("recursive grep, warm", TREE, "grep -r 'line 7 ' . > /dev/null")
            .makes("file", "read", "/job/d", 20_000)
            .goal(1.15, 1.30),
        shell("find", TREE, "for i in 1 2 3 4 5; do find . -newer d1 > /dev/null; done")
            .goal(1.03, 1.05),
        Workload::load("stat storm", "\"$LOAD\" fill 10000", "stats", of(2_000_000))
            .goal(1.03, 1.05),
        Workload::load("64-byte writes", "", "writes", writes).goal(1.03, 1.05),
        Workload::load("mmap writes", "", "maps", of(200_000)).goal(1.03, 1.05),
        Workload::load("create/write/close/unlink", "", "churn", churn)
            .makes("file", "delete", "/job/c", churn)
            .goal(1.10, 1.25),
        Workload::load("renames", "", "renames", renames)
            .makes("file", "rename", "/job/r", renames)
            .goal(1.30, 1.60),
        Workload::load("TCP connections", "", "connects", connects)
            .makes("net", "connect", "/load", connects)
            .goal(1.15, 1.20),
        Workload::load("UDP sends", "", "sends", sends).goal(1.10, 1.20),
        Workload::load("2 GB over loopback", "", "bulk", of(2048)).goal(1.03, 1.05),
    ]
    .into_iter()
}
