//! Compiles `progs/*.bpf.c` into objects that `src/objects.rs` embeds.
//!
//! Order of choice: `$AUDIT_BPF_CLANG`, `clang`, `clang-NN`, then the object checked in under
//! `prebuilt/`, which has the hash of its sources in its name. `AUDIT_BPF_PREBUILD=1` writes the
//! compiled objects there. Those are for x86-64: registers and numbers of system calls are others elsewhere,
//! so that another machine needs clang.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::{Object as _, ObjectSection as _};

const PROGRAMS: [&str; 4] = ["proc", "net", "calls", "names"];

/// Newest last tested first: any of them builds the same programs.
const VERSIONED: [&str; 9] = [
    "clang-22", "clang-21", "clang-20", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15",
    "clang-14",
];

/// What each program is compiled with. Addresses are written by fours of bytes and compared by eights, and the kernel's
/// own headers mean it so too: it is built without strict aliasing (its Makefile).
const FLAGS: [&str; 8] = [
    "-g",
    "-O2",
    "-target",
    "bpf",
    "-mcpu=v3",
    "-fno-strict-aliasing",
    "-Wall",
    "-Wno-unused-function",
];

/// What is done to a compiled object, for the hash in its name: to be changed with that.
const AFTERWARDS: &str = "stripped, no line info";

/// Where `line_info_len` is in `.BTF.ext`: after magic, version, flags, `hdr_len` and three words.
const LINE_INFO_LENGTH: usize = 8 + 3 * 4;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=progs");
    println!("cargo:rerun-if-changed=prebuilt");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=AUDIT_BPF_CLANG");
    println!("cargo:rerun-if-env-changed=AUDIT_BPF_PREBUILD");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let clang = clang();
    for program in PROGRAMS {
        let hash = source_hash(program)?;
        let upper = program.to_uppercase();
        println!("cargo:rustc-env=AUDIT_BPF_HASH_{upper}={hash}");
        let prebuilt = prebuilt(program, &hash);
        let object = out.join(format!("{program}.bpf.o"));
        let made = clang.as_deref().map(|clang| compile(clang, program, &object));
        match made {
            Some(Ok(())) => {
                drop_line_info(&object)?;
                keep(program, &object, &prebuilt)?;
            }
            Some(Err(error)) if !prebuilt.exists() => return Err(error.into()),
            None if !prebuilt.exists() => {
                return Err(format!("no clang, and no {}", prebuilt.display()).into());
            }
            Some(Err(_)) | None => {
                fs::copy(&prebuilt, &object)?;
            }
        }
    }
    Ok(())
}

/// Where the checked-in object of these sources is.
fn prebuilt(program: &str, hash: &str) -> PathBuf {
    let machine = match arch().as_str() {
        "x86_64" => String::new(),
        other => format!("{other}/"),
    };
    PathBuf::from(format!("prebuilt/{machine}{program}-{hash}.bpf.o"))
}

/// Returns the first compiler that runs.
fn clang() -> Option<String> {
    if let Ok(chosen) = env::var("AUDIT_BPF_CLANG") {
        return runs(&chosen).then_some(chosen);
    }
    let names = ["clang"].into_iter().chain(VERSIONED);
    names.into_iter().find(|name| runs(name)).map(String::from)
}

fn runs(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn compile(clang: &str, program: &str, object: &Path) -> Result<(), String> {
    let source = format!("progs/{program}.bpf.c");
    let here = env::current_dir().map_err(|e| e.to_string())?;
    let mut command = Command::new(clang);
    command
        .args(FLAGS)
        .args(target_flags())
        // The kernel's own types are in the multiarch folder on Debian.
        .args(["-idirafter", &kernel_types()])
        .arg(format!("-ffile-prefix-map={}=.", here.display()))
        .args(["-c", &source, "-o"])
        .arg(object);
    let output = command.output().map_err(|e| format!("cannot run {clang}: {e}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cannot compile {source} with {clang}:\n{said}"));
    }
    strip(clang, object);
    Ok(())
}

fn arch() -> String {
    env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default()
}

fn target_flags() -> [&'static str; 1] {
    match arch().as_str() {
        "aarch64" => ["-D__TARGET_ARCH_arm64"],
        _ => ["-D__TARGET_ARCH_x86"],
    }
}

/// Returns the folder with `asm/types.h`: Debian's for the target, that of its cross compilers, or this
/// machine's. The file is the same for all of them (`asm-generic/int-ll64.h`).
fn kernel_types() -> String {
    let host = env::var("HOST").unwrap_or_default();
    let own = host.split('-').next().unwrap_or_default();
    let target = arch();
    let places = [
        format!("/usr/include/{target}-linux-gnu"),
        format!("/usr/{target}-linux-gnu/include"),
        format!("/usr/include/{own}-linux-gnu"),
    ];
    let [first, ..] = &places;
    places
        .iter()
        .find(|place| Path::new(place).join("asm/types.h").exists())
        .unwrap_or(first)
        .clone()
}

/// Removes DWARF and keeps BTF. Without the tool the object is only larger.
fn strip(clang: &str, object: &Path) {
    let beside = clang.replace("clang", "llvm-strip");
    let done = [beside.as_str(), "llvm-strip"].into_iter().any(|tool| {
        Command::new(tool).arg("-g").arg(object).status().is_ok_and(|status| status.success())
    });
    if !done {
        println!("cargo:warning=no llvm-strip: the BPF objects keep their debug sections");
    }
}

/// Takes the lines of the source out of the object: the kernel would move its record of each of them whenever the
/// verifier puts in or takes out an instruction, and nobody reads them in a run. Only the length in the header of
/// `.BTF.ext` is changed (`struct btf_ext_header`, tools/lib/bpf/libbpf_internal.h), so that all else stays where it is.
fn drop_line_info(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut bytes = fs::read(path)?;
    let file = object::File::parse(&*bytes)?;
    let section = file.section_by_name(".BTF.ext").ok_or("the object has no .BTF.ext")?;
    let (start, _) = section.file_range().ok_or(".BTF.ext is not in the object")?;
    let at = usize::try_from(start)? + LINE_INFO_LENGTH;
    bytes.get_mut(at..at + 4).ok_or(".BTF.ext ends within its header")?.fill(0);
    fs::write(path, bytes)?;
    Ok(())
}

/// Puts the object into `prebuilt/` when asked to, in place of those of older sources.
fn keep(program: &str, object: &Path, prebuilt: &Path) -> Result<(), Box<dyn Error>> {
    if env::var_os("AUDIT_BPF_PREBUILD").is_none() {
        return Ok(());
    }
    let folder = prebuilt.parent().unwrap_or(Path::new("prebuilt"));
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(&format!("{program}-")) && path != prebuilt {
            fs::remove_file(&path)?;
        }
    }
    fs::copy(object, prebuilt)?;
    Ok(())
}

/// Returns 16 hex digits of FNV-1a over what the object is made of and how. It guards against forgetting,
/// not against malice: a reviewer rebuilds.
fn source_hash(program: &str) -> Result<String, Box<dyn Error>> {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut all = FLAGS.concat().into_bytes();
    all.extend(AFTERWARDS.bytes());
    for file in sources(program)? {
        all.extend(fs::read(file)?);
    }
    for byte in all {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    Ok(format!("{hash:016x}"))
}

/// All headers, in the order of their names, and the program itself.
fn sources(program: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries: Result<Vec<_>, _> = fs::read_dir("progs")?.collect();
    let paths = entries?.into_iter().map(|entry| entry.path());
    let mut files: Vec<_> = paths.filter(|path| path.extension() == Some("h".as_ref())).collect();
    files.sort();
    files.push(format!("progs/{program}.bpf.c").into());
    Ok(files)
}
