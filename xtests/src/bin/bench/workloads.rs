//! What is run: the workloads of the goals in docs/benchmarks.md.

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) name: String,
    /// Script that is run before, unmeasured, in the empty directory of the workload.
    pub(crate) prepare: &'static str,
    /// The command; `$LOAD` in a word is the program of load.c.
    pub(crate) words: Vec<String>,
    /// Type, operation and part of the path or program of the events that it makes, and how many.
    pub(crate) expected: Option<(&'static str, &'static str, &'static str, u64)>,
    needs: &'static str,
}

impl Workload {
    pub(crate) fn command(name: &str, prepare: &'static str, words: &[&str]) -> Workload {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Workload { name: name.to_owned(), prepare, words, expected: None, needs: "" }
    }

    fn load(name: &str, prepare: &'static str, what: &str, times: u64) -> Workload {
        Workload::command(name, prepare, &["$LOAD", what, &times.to_string()])
    }

    fn makes(self, kind: &'static str, op: &'static str, part: &'static str, times: u64) -> Self {
        Workload { expected: Some((kind, op, part, times)), ..self }
    }

    fn needs(self, program: &'static str) -> Self {
        Workload { needs: program, ..self }
    }

    /// The program without which it cannot be run, if that is not here.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let there = std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|dir| dir.join(self.needs).is_file())
        });
        (!self.needs.is_empty() && !there).then_some(self.needs)
    }
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

/// A tree of 20,000 small files and a repository of 300 commits.
const TREE: &str = r#"for d in $(seq 200); do mkdir d$d; for f in $(seq 100); do echo "line $d $f" > d$d/f$f; done; done"#;
const REPOSITORY: &str = r#"git init -q r; cd r; git config user.email a@b; git config user.name n
for i in $(seq 300); do echo $i > f$((i % 50)); git add .; git commit -qm $i; done"#;

/// What an agent does: looks around, searches, edits, builds, tests.
const AGENT: &str = r#"for i in $(seq 25); do ls -la > /dev/null; git status --short > /dev/null; grep -rn "line $i " . > /dev/null
 sed -i "s/line/word/" d$i/f1; cat d$i/* > /dev/null; find . -name "f$i" > /dev/null; head -n 3 d$i/f2 | wc -l > /dev/null
 git diff --stat > /dev/null; sh -c "test -e d$i/f1" ; awk '{n++} END {print n}' d$i/f3 > /dev/null; done"#;
const AGENT_TREE: &str = r#"git init -q .; git config user.email a@b; git config user.name n
for d in $(seq 25); do mkdir d$d; for f in $(seq 20); do echo "line $d $f" > d$d/f$f; done; done; git add .; git commit -qm all"#;

/// All, `scale` percent of their size where that is a number.
pub(crate) fn all(scale: u64) -> Vec<Workload> {
    let of = |times: u64| (times * scale / 100).max(1);
    let (spawns, opens, churn, renames) = (of(20_000), of(1_000_000), of(200_000), of(100_000));
    let (connects, sends, writes) = (of(20_000), of(100_000), of(1_000_000));
    let shell = |name: &str, prepare, script: &str| {
        Workload::command(name, prepare, &["/bin/bash", "-c", script])
    };
    vec![
        shell("compile a C project, `make -j2`", C_PROJECT, "make -s -j2").needs("make"),
        shell("mixed agent-like session", AGENT_TREE, AGENT).needs("git"),
        shell("git clone, status, gc", REPOSITORY, "git clone -q r c; cd c; git status; git gc -q")
            .needs("git"),
        Workload::load("spawns (posix_spawn of `true`)", "", "spawn", spawns)
            .makes("exec", "", "/true", spawns),
        Workload::load("open/read/close of 10,000 files", "\"$LOAD\" fill 10000", "opens", opens)
            .makes("file", "read", "/job/f", opens),
        shell("recursive grep, warm", TREE, "grep -r 'line 7 ' . > /dev/null")
            .makes("file", "read", "/job/d", 20_000),
        shell("find", TREE, "for i in 1 2 3 4 5; do find . -newer d1 > /dev/null; done"),
        Workload::load("stat storm", "\"$LOAD\" fill 10000", "stats", of(2_000_000)),
        Workload::load("64-byte writes", "", "writes", writes),
        Workload::load("mmap writes", "", "maps", of(200_000)),
        Workload::load("create/write/close/unlink", "", "churn", churn)
            .makes("file", "delete", "/job/c", churn),
        Workload::load("renames", "", "renames", renames)
            .makes("file", "rename", "/job/r", renames),
        Workload::load("TCP connections", "", "connects", connects)
            .makes("net", "connect", "/load", connects),
        Workload::load("UDP sends", "", "sends", sends),
        Workload::load("2 GB over loopback", "", "bulk", of(2048)),
        shell("python start-up, 40 times", "", "for i in $(seq 40); do python3 -c pass; done")
            .needs("python3"),
        shell("idle, 5 s", "", "sleep 5"),
    ]
}
