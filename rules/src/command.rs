//! Command lines token by token: `rm -fr`, `rm -r -f` and `rm --recursive --force` are one thing.

use foldhash::HashMap;

/// What a command line must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    /// Names of the program, one of which it must be.
    pub(crate) programs: Vec<String>,
    /// What must be there, each in one of its forms.
    wants: Vec<Vec<Want>>,
    /// Words that must stand in this order.
    words: Vec<Vec<String>>,
}

/// One form of an option.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Want {
    /// A letter, alone or among others: `-r`, `-fr`.
    Short(char),
    /// `--recursive`, `--recursive=…`, and what getopt takes for it: `--rec`.
    Long(String),
    /// As it stands, of programs whose long options have one dash.
    Exact(String),
}

/// Options with two names: program, letter, long name. From the manuals of GNU coreutils, git, curl,
/// wget, tar, ssh, netcat.
const ALIASES: &[(&str, char, &str)] = &[
    ("rm", 'r', "recursive"),
    ("rm", 'R', "recursive"),
    ("rm", 'f', "force"),
    ("cp", 'r', "recursive"),
    ("cp", 'R', "recursive"),
    ("chmod", 'R', "recursive"),
    ("chown", 'R', "recursive"),
    ("shred", 'u', "remove"),
    ("truncate", 's', "size"),
    ("git", 'f', "force"),
    ("curl", 'T', "upload-file"),
    ("curl", 'd', "data"),
    ("curl", 'F', "form"),
    ("curl", 'k', "insecure"),
    ("curl", 'o', "output"),
    ("wget", 'O', "output-document"),
    ("base64", 'd', "decode"),
    ("base64", 'D', "decode"),
    ("base32", 'd', "decode"),
    ("nc", 'e', "exec"),
    ("ncat", 'e', "exec"),
    ("ncat", 'c', "sh-exec"),
    ("nc", 'l', "listen"),
    ("ncat", 'l', "listen"),
    ("docker", 'a', "all"),
    ("docker", 'f', "force"),
    ("usermod", 'G', "groups"),
    ("iptables", 'F', "flush"),
    ("ip6tables", 'F', "flush"),
    ("sed", 'i', "in-place"),
    ("crontab", 'r', "remove"),
    ("pip", 'r', "requirement"),
];

/// Programs whose long options have one dash, so that letters do not add up.
const ONE_DASH: &[&str] = &["find", "java", "openssl", "terraform", "go", "xmrig", "perl", "php"];

impl Shape {
    /// Reads `PROGRAM[,PROGRAM] TOKEN...`: tokens that begin with `-` are options, in any order and
    /// grouping; the others are words, in this order, options between them. `{a,b}` is one of them,
    /// `*` in a word is anything.
    pub(crate) fn parse(text: &str) -> Result<Shape, String> {
        let mut tokens = text.split_whitespace().map(alternatives);
        let programs = tokens.next().ok_or("a command needs a program")?;
        let programs: Vec<String> =
            programs.iter().flat_map(|one| one.split(',')).map(str::to_owned).collect();
        let (mut wants, mut words) = (Vec::new(), Vec::new());
        for token in tokens {
            if token.iter().all(|form| form.starts_with('-')) {
                wants.extend(options(&programs, &token));
            } else if token.iter().any(|form| form.len() > 1 && form.starts_with('-')) {
                return Err(format!("'{}' is a word or an option, not both", token.join(",")));
            } else {
                words.push(token);
            }
        }
        Ok(Shape { programs, wants, words })
    }

    /// Returns the programs' names, or nothing when one of them has a star.
    fn names(&self) -> Option<&[String]> {
        self.programs.iter().all(|name| !name.contains('*')).then_some(&self.programs)
    }

    /// Returns whether a command line is so.
    pub(crate) fn holds(&self, line: &Line<'_>) -> bool {
        let is_ours = |name: &[u8]| self.programs.iter().any(|program| fits(program, name));
        let rest = if is_ours(line.exe) || is_ours(line.first) {
            line.argv.get(1..).unwrap_or_default()
        } else if line.second.is_some_and(is_ours) {
            line.argv.get(2..).unwrap_or_default()
        } else {
            return false;
        };
        let end = rest.iter().position(|word| *word == b"--").unwrap_or(rest.len());
        let (options, _) = rest.split_at(end);
        self.wants
            .iter()
            .all(|forms| forms.iter().any(|form| options.iter().any(|word| form.holds(word))))
            && in_order(&self.words, rest)
    }
}

/// Shapes that a command line is held against: those of its program, and no others.
#[derive(Debug)]
pub(crate) struct Shapes<T> {
    all: Vec<(T, Shape)>,
    by_name: HashMap<String, Vec<usize>>,
    /// Those of names with a star.
    starred: Vec<usize>,
}

impl<T> Default for Shapes<T> {
    fn default() -> Shapes<T> {
        Shapes { all: Vec::new(), by_name: HashMap::default(), starred: Vec::new() }
    }
}

impl<T: Copy> Shapes<T> {
    /// Adds one under a mark.
    pub(crate) fn add(&mut self, mark: T, shape: Shape) {
        let at = self.all.len();
        match shape.names() {
            Some(names) => {
                names.iter().for_each(|it| self.by_name.entry(it.clone()).or_default().push(at));
            }
            None => self.starred.push(at),
        }
        self.all.push((mark, shape));
    }

    /// Tells the mark of each that a command line has; some twice.
    pub(crate) fn of(&self, line: &Line<'_>, take: &mut dyn FnMut(T)) {
        let names = [Some(line.exe), Some(line.first).filter(|it| *it != line.exe), line.second];
        let names = names.into_iter().flatten().filter_map(|name| std::str::from_utf8(name).ok());
        let named = names.filter_map(|name| self.by_name.get(name)).flatten();
        let shapes = self.starred.iter().chain(named).filter_map(|at| self.all.get(*at));
        for (mark, _) in shapes.filter(|(_, shape)| shape.holds(line)) {
            take(*mark);
        }
    }
}

/// A command line, with what may be the program's name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// Of the file that runs.
    exe: &'a [u8],
    /// Of the first argument.
    first: &'a [u8],
    /// Of the second one, where the file is many programs.
    second: Option<&'a [u8]>,
    argv: &'a [&'a [u8]],
}

impl<'a> Line<'a> {
    /// Looks at the arguments of a program, itself first; `exe` is the file that runs.
    pub(crate) fn new(exe: &'a [u8], argv: &'a [&'a [u8]]) -> Line<'a> {
        let name = |path: &'a [u8]| path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let exe = name(exe);
        let is_many = [&b"busybox"[..], b"toybox", b"coreutils"].contains(&exe);
        let second = argv.get(1).filter(|_| is_many).map(|word| name(word));
        Line { exe, first: name(argv.first().copied().unwrap_or_default()), second, argv }
    }
}

fn alternatives(token: &str) -> Vec<String> {
    match token.split_once('{').and_then(|(lead, rest)| Some((lead, rest.split_once('}')?))) {
        Some((lead, (inner, tail))) => {
            inner.split(',').map(|one| format!("{lead}{one}{tail}")).collect()
        }
        None => vec![token.to_owned()],
    }
}

/// What options must be there; letters that are written together are each one.
fn options(programs: &[String], forms: &[String]) -> Vec<Vec<Want>> {
    let one_dash = programs.iter().any(|program| ONE_DASH.contains(&program.as_str()));
    let aliases = |want: Want| -> Vec<Want> {
        let ours = || ALIASES.iter().filter(|(program, ..)| programs.iter().any(|p| p == program));
        let long = match &want {
            Want::Short(letter) => {
                ours().find(|(_, known, _)| known == letter).map(|(.., long)| *long)
            }
            Want::Long(long) => Some(long.as_str()),
            Want::Exact(_) => None,
        };
        let mut all: Vec<Want> = long
            .map(|long| {
                let same = ours().filter(|(.., known)| *known == long);
                same.map(|(_, letter, _)| Want::Short(*letter))
                    .chain([Want::Long(long.to_owned())])
                    .collect()
            })
            .unwrap_or_default();
        if !all.contains(&want) {
            all.push(want);
        }
        all
    };
    match forms {
        [only] if !only.starts_with("--") && !one_dash => {
            only.chars().skip(1).map(|letter| aliases(Want::Short(letter))).collect()
        }
        _ => {
            let each = forms.iter().flat_map(|form| match form.strip_prefix("--") {
                Some(long) => aliases(Want::Long(long.to_owned())),
                None if one_dash || form.chars().count() != 2 => vec![Want::Exact(form.clone())],
                None => form.chars().nth(1).map(|c| aliases(Want::Short(c))).unwrap_or_default(),
            });
            vec![each.collect()]
        }
    }
}

impl Want {
    fn holds(&self, word: &[u8]) -> bool {
        match self {
            Want::Exact(text) => word == text.as_bytes(),
            Want::Short(letter) => match word {
                [b'-', first, rest @ ..] if *first != b'-' => {
                    let letter = u8::try_from(*letter).unwrap_or(0);
                    *first == letter || rest.contains(&letter)
                }
                _ => false,
            },
            Want::Long(long) => word.strip_prefix(b"--").is_some_and(|given| {
                let name = given.split(|byte| *byte == b'=').next().unwrap_or_default();
                // getopt_long(3) takes a beginning that is no other option's.
                !name.is_empty()
                    && (name == long.as_bytes()
                        || (name.len() > 1 && long.as_bytes().starts_with(name)))
            }),
        }
    }
}

fn in_order(words: &[Vec<String>], given: &[&[u8]]) -> bool {
    let mut given = given.iter();
    words.iter().all(|forms| given.any(|word| forms.iter().any(|form| fits(form, word))))
}

/// `*` is anything.
fn fits(pattern: &str, word: &[u8]) -> bool {
    // Most are told apart by this, without looking for a star.
    if let Some(first) = pattern.as_bytes().first().filter(|first| **first != b'*')
        && word.first() != Some(first)
    {
        return false;
    }
    let mut parts = pattern.split('*').map(str::as_bytes);
    let Some(mut rest) = parts.next().and_then(|first| word.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = pattern.contains('*').then(|| parts.next_back()).flatten() else {
        return rest.is_empty();
    };
    for part in parts {
        match memchr::memmem::find(rest, part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::{Line, Shape, Shapes};

    fn check(shape: &str, command: &str, expected: bool) {
        let read = Shape::parse(shape).expect(shape);
        let argv: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        assert_eq!(read.holds(&Line::new(argv[0], &argv)), expected, "{shape} of {command}");
    }

    #[test]
    fn options_are_one_thing_however_they_are_written() {
        for command in [
            "rm -rf x",
            "rm -fr x",
            "rm -r -f x",
            "rm --recursive --force x",
            "/usr/bin/rm x -Rf",
            "rm -vrf x",
            "rm --rec --fo x",
            "busybox rm -rf x",
        ] {
            check("rm -rf", command, true);
        }
        for command in ["rm -r x", "rm -- -rf", "rmdir -rf", "arm -rf", "echo rm -rf", "rm --r=x"] {
            check("rm -rf", command, false);
        }
    }

    #[test]
    fn a_line_is_held_against_all_shapes_that_could_be_its() {
        let texts =
            ["rm -rf", "mkfs*", "ncat,nc -e", "nc -l", "*sh -c", "git push", "apt,apt-* install"];
        let shapes: Vec<Shape> = texts.iter().map(|text| Shape::parse(text).expect(text)).collect();
        let mut all = Shapes::default();
        (0..).zip(&shapes).for_each(|(at, shape)| all.add(at, shape.clone()));
        let mut found = 0;
        for command in [
            "/usr/bin/rm -rf x",
            "busybox rm -rf x",
            "/bin/busybox nc -l -e x",
            "mkfs.ext4 x",
            "nc -e sh -l 1",
            "bash -c x",
            "git push",
            "apt-get install x",
            "true",
        ] {
            let argv: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
            for exe in [argv[0], b"/usr/bin/busybox", b""] {
                let line = Line::new(exe, &argv);
                let mut marks = Vec::new();
                all.of(&line, &mut |mark| marks.push(mark));
                marks.sort_unstable();
                marks.dedup();
                let each = (0..shapes.len()).filter(|at| shapes[*at].holds(&line));
                assert_eq!(marks, each.collect::<Vec<_>>(), "{command}, {}", exe.escape_ascii());
                found += marks.len();
            }
        }
        assert!(found > 20, "{found}");
    }

    #[test]
    fn words_stand_in_order_and_are_whole() {
        check("git clean -fdx", "git -C x clean -d -x -f", true);
        check("git clean -fdx", "git clean -fd", false);
        check("git push {-f,--force,--force-with-lease}", "git push origin --force", true);
        check("dd if=/dev/zero of=/dev/*", "dd bs=1 if=/dev/zero of=/dev/sda", true);
        check("dd if=/dev/zero of=/dev/*", "dd of=/dev/sda if=/dev/zero", false);
        check("find -delete", "find . -name x -delete", true);
        check("find -delete", "find . -depth -type l -empty", false);
        check("ncat,nc -e", "truncate -e", false);
        check("mkfs*", "/sbin/mkfs.ext4 /dev/sdb", true);
        check("kubectl delete {ns,namespace}", "kubectl delete ns prod", true);
    }
}
