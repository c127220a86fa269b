//! Compares the workspace with the house as designed; every finding is one sentence.

use std::collections::BTreeSet;

use crate::house::{ANYWHERE, FOR_TESTS, GROUND, HOUSE, PROGRAMS, Room, SUITES};
use crate::workspace::{Package, Use};

/// Returns what differs between the crates and the rooms of the house.
pub(crate) fn strangers(packages: &[Package]) -> Vec<String> {
    let built: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let drawn: BTreeSet<&str> = HOUSE.iter().map(|room| room.name).collect();
    let unknown = built.difference(&drawn).map(|name| format!("{name} is not in the design"));
    let missing = drawn.difference(&built).map(|name| format!("{name} is not in the workspace"));
    let moved = packages
        .iter()
        .filter(|p| !p.folder.ends_with(&p.name))
        .map(|p| format!("{} lies in {}, not in a folder of its name", p.name, p.folder.display()));
    unknown.chain(missing).chain(moved).collect()
}

/// Returns the arrows between crates of the workspace that the design does not have.
///
/// Tests follow the same arrows, but for the suites, whose arrows are for tests only.
pub(crate) fn wrong_arrows(packages: &[Package]) -> Vec<String> {
    let wrong = |room: &Room, one: &Use| {
        !room.inside.contains(&one.name.as_str()) || (room.name == SUITES && !one.for_tests)
    };
    findings(packages, |one| one.inside, wrong, "the design has no such arrow")
}

/// Returns the crates of others that are used where the design does not have them.
pub(crate) fn wrong_guests(packages: &[Package]) -> Vec<String> {
    let wrong = |room: &Room, one: &Use| {
        let name = one.name.as_str();
        let everywhere = ANYWHERE.contains(&name) || (one.for_tests && FOR_TESTS.contains(&name));
        !everywhere && !room.outside.contains(&name)
    };
    findings(packages, |one| !one.inside, wrong, "not in its row of the design")
}

/// Returns the crates beside the ground floor that both programs are made of.
pub(crate) fn shared_by_both_programs(packages: &[Package]) -> BTreeSet<String> {
    let (one, other) = (made_of(PROGRAMS.0, packages), made_of(PROGRAMS.1, packages));
    one.intersection(&other).filter(|name| *name != GROUND).cloned().collect()
}

/// Returns the crates of the workspace that end up in the program of crate `program`.
fn made_of(program: &str, packages: &[Package]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![program.to_owned()];
    while let Some(name) = open.pop() {
        let package = packages.iter().filter(|p| p.name == name);
        let used = package.flat_map(|p| &p.uses).filter(|one| one.inside && !one.for_tests);
        open.extend(used.map(|one| one.name.clone()).filter(|name| !found.contains(name)));
        found.insert(name);
    }
    found
}

/// Pairs each crate with its room; one that has none is the business of [`strangers`].
pub(crate) fn housed(packages: &[Package]) -> impl Iterator<Item = (&'static Room, &Package)> {
    packages.iter().filter_map(|package| {
        HOUSE.iter().find(|room| room.name == package.name).map(|room| (room, package))
    })
}

/// Returns one sentence for each `looked_at` dependency that is `wrong` for its crate's room.
fn findings(
    packages: &[Package],
    looked_at: fn(&Use) -> bool,
    wrong: impl Fn(&Room, &Use) -> bool,
    why: &str,
) -> Vec<String> {
    housed(packages)
        .flat_map(|(room, package)| package.uses.iter().map(move |one| (room, one)))
        .filter(|(room, one)| looked_at(one) && wrong(room, one))
        .map(|(room, one)| format!("{} -> {}: {why}", room.name, one.name))
        .collect()
}
