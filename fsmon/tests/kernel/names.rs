//! What is told about directory entries.

use fsmon::{Kind, Scope, mask};

use crate::harness::{Shell, Watch, find};

/// Runs `before`, marks, runs `script`, and returns what was told below `/mnt`.
fn told(before: &str, script: &str) -> Vec<crate::harness::Told> {
    let mut shell = Shell::new();
    shell.run(before);
    let mut watch = Watch::on(&shell, Scope::Mount);
    shell.run(script);
    watch.below_mnt()
}

#[test]
fn a_created_file_is_told_with_directory_and_name() {
    let told = told("mkdir /mnt/a", "echo x > /mnt/a/new");
    find(&told, Kind::Names, mask::CREATE, "/mnt/a/new");
}

#[test]
fn a_rename_is_one_record_with_both_paths() {
    let told = told("mkdir /mnt/a /mnt/b; : > /mnt/a/old", "mv /mnt/a/old /mnt/b/new");
    let rename = find(&told, Kind::Names, mask::RENAME, "/mnt/a/old");
    assert_eq!(rename.new_path, b"/mnt/b/new");
    assert_eq!(rename.mask & mask::ONDIR, 0);
}

#[test]
fn a_removed_file_is_told_after_it_is_gone() {
    let told = told(": > /mnt/old", "rm /mnt/old");
    find(&told, Kind::Names, mask::DELETE, "/mnt/old");
}

#[test]
fn made_and_removed_directories_are_told_as_directories() {
    let told = told("mkdir /mnt/old", "mkdir /mnt/new; rmdir /mnt/old");
    find(&told, Kind::Names, mask::CREATE | mask::ONDIR, "/mnt/new");
    find(&told, Kind::Names, mask::DELETE | mask::ONDIR, "/mnt/old");
}

#[test]
fn hard_and_symbolic_links_are_told_as_created_entries() {
    let told = told(": > /mnt/file", "ln /mnt/file /mnt/hard; ln -s nowhere /mnt/soft");
    let hard = find(&told, Kind::Names, mask::CREATE, "/mnt/hard");
    find(&told, Kind::Names, mask::CREATE, "/mnt/soft");
    assert!(hard.target.is_some());
}

#[test]
fn a_change_of_mode_owner_or_attribute_is_told() {
    let told = told(
        ": > /mnt/mode; : > /mnt/owner; mkdir /mnt/dir",
        "chmod 600 /mnt/mode; chown 1 /mnt/owner; chmod 700 /mnt/dir",
    );
    find(&told, Kind::Names, mask::ATTRIB, "/mnt/mode");
    find(&told, Kind::Names, mask::ATTRIB, "/mnt/owner");
    find(&told, Kind::Names, mask::ATTRIB | mask::ONDIR, "/mnt/dir");
}

#[test]
fn names_of_any_bytes_and_the_greatest_length_come_through() {
    let long = "n".repeat(255);
    let told = told(
        "mkdir \"$(printf '/mnt/d\\nd\\377')\"",
        &format!(": > \"$(printf '/mnt/d\\nd\\377/new\\nline\\377')\"; : > /mnt/{long}"),
    );
    find(&told, Kind::Names, mask::CREATE, b"/mnt/d\nd\xff/new\nline\xff");
    find(&told, Kind::Access, mask::CLOSE_WRITE, b"/mnt/d\nd\xff/new\nline\xff");
    find(&told, Kind::Names, mask::CREATE, format!("/mnt/{long}"));
}

#[test]
fn a_burst_of_a_thousand_files_is_told_without_a_gap() {
    let told =
        told("mkdir /mnt/d", "i=0; while [ $i -lt 1000 ]; do : > /mnt/d/$i; i=$((i+1)); done");
    for i in 0..1000 {
        find(&told, Kind::Names, mask::CREATE, format!("/mnt/d/{i}"));
        find(&told, Kind::Access, mask::CLOSE_WRITE, format!("/mnt/d/{i}"));
    }
}
