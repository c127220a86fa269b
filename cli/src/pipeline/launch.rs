//! Dynamic loaders that are run as programs: `ld.so PROGRAM` runs what no exec names.
//!
//! The kernel knows only the loader. What it was told to run is in its arguments, and only claimed:
//! the loader may fail, and argv may be anything.

use event::model::arguments;

/// Options of glibc's (elf/rtld.c) and musl's (ldso/dynlink.c) loaders that take the next argument.
const WITH_VALUE: [&[u8]; 8] = [
    b"--library-path",
    b"--glibc-hwcaps-prepend",
    b"--glibc-hwcaps-mask",
    b"--inhibit-rpath",
    b"--audit",
    b"--preload",
    b"--argv0",
    b"--platform",
];

/// Whether the file is a dynamic loader, by the names that glibc, musl and bionic give them.
pub(super) fn is_loader(exe: &[u8]) -> bool {
    let name = exe.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let named = |start: &[u8]| name.starts_with(start);
    let library = name.windows(3).any(|part| part == b".so");
    name == b"ld.so"
        || (library && (named(b"ld-") || named(b"ld64.so") || named(b"libc.musl-")))
        || named(b"linker64")
}

/// The program that a loader with these arguments is told to run.
pub(super) fn launched(argv: &[u8]) -> Option<Vec<u8>> {
    let mut rest = arguments(argv).skip(1);
    while let Some(word) = rest.next() {
        match word {
            b"--" => return rest.next().map(<[u8]>::to_vec),
            option if WITH_VALUE.contains(&option) => drop(rest.next()),
            option if option.starts_with(b"--") => {}
            program => return Some(program.to_vec()),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{is_loader, launched};

    #[test]
    fn loaders_are_known_by_their_names() {
        for path in [
            "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "/lib/ld-musl-x86_64.so.1",
            "/lib/ld-2.31.so",
            "/lib64/ld64.so.2",
            "/usr/bin/ld.so",
            "/system/bin/linker64",
        ] {
            assert!(is_loader(path.as_bytes()), "{path}");
        }
        for path in
            ["/usr/bin/ld", "/usr/bin/ld-notes", "/bin/sh", "", "/usr/bin/x86_64-linux-gnu-ld.bfd"]
        {
            assert!(!is_loader(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn the_program_is_the_first_argument_that_is_no_option() {
        let check = |argv: &[u8], expected: Option<&[u8]>| {
            assert_eq!(launched(argv).as_deref(), expected, "{argv:?}");
        };
        check(b"ld.so\0/bin/true\0--list\0", Some(b"/bin/true"));
        check(b"ld.so\0--library-path\0/x\0--list\0/bin/true\0", Some(b"/bin/true"));
        check(b"ld.so\0--argv0\0--\0--preload=x\0./a\0", Some(b"./a"));
        check(b"ld.so\0--\0--odd\0", Some(b"--odd"));
        check(b"ld.so\0--help\0", None);
        check(b"ld.so\0", None);
        check(b"", None);
    }
}
