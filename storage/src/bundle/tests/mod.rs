//! Claims about bundles: what goes in comes out, the same bytes each time, and nothing else is taken.

mod hostile;

use std::{fs, path::PathBuf};

use proptest::prelude::*;

use super::*;
use crate::{
    Error, HostLog, Known, RunDir, Store, Trusted, Weight,
    testing::Bench,
    verify::tests::{bench, here, secret},
};

/// A store elsewhere, where nobody knows the host that recorded.
pub(super) struct Elsewhere {
    pub(super) temp: tempfile::TempDir,
    pub(super) store: Store,
}

impl Elsewhere {
    pub(super) fn new() -> Elsewhere {
        let temp = tempfile::tempdir().expect("a directory");
        let store = Store::open(&temp.path().join("home"));
        let store = store.with_bundles(Some(temp.path().join("cache")));
        Elsewhere { temp, store }
    }

    /// The word for a bundle of these bytes.
    pub(super) fn put(&self, bytes: &[u8]) -> String {
        let path = self.temp.path().join("run.tar.zst");
        fs::write(&path, bytes).expect("room");
        path.to_str().expect("it is UTF-8").to_owned()
    }

    pub(super) fn open(&self, bytes: &[u8]) -> Result<RunDir, Error> {
        self.store.select(&self.put(bytes))
    }

    /// The places of unpacked bundles.
    pub(super) fn places(&self) -> Vec<PathBuf> {
        let places = fs::read_dir(self.temp.path().join("cache/bundles"));
        places.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }
}

pub(super) fn packed(bench: &Bench) -> Vec<u8> {
    let mut bytes = Vec::new();
    pack(&bench.run, &here(bench).hosts, &mut bytes).expect("it packs");
    bytes
}

/// Whoever knows the host's first key.
fn with_first_key() -> Trusted {
    Trusted { keys: vec![secret(20).public()], ..Trusted::default() }
}

fn weight(run: &RunDir, trusted: &Trusted) -> Weight {
    crate::verify(run, trusted).expect("it is looked at").weight()
}

#[test]
fn the_same_run_gives_the_same_bytes_and_comes_back_whole() {
    let bench = bench();
    bench.run.keep_rules("rules: []\n").expect("room");
    let bytes = packed(&bench);
    assert_eq!(packed(&bench), bytes);
    let elsewhere = Elsewhere::new();
    let run = elsewhere.open(&bytes).expect("it opens");
    assert_eq!(run.id(), bench.run.id());
    for name in ["seal", "seal.sig", "000001.seg", "000002.seg"] {
        let name = format!("segments/{name}");
        assert_eq!(fs::read(run.path().join(&name)).expect("it is there"), bench.read(&name));
    }
    let hash = crate::rules_hash("rules: []\n");
    assert_eq!(run.kept_rules(&hash).expect("it is there"), "rules: []\n");
    // What is unpacked packs to the same again, without the host's log beside it.
    let mut again = Vec::new();
    pack(&run, &[], &mut again).expect("it packs");
    assert_eq!(again, bytes);
}

#[test]
fn a_bundle_is_verified_by_the_hosts_first_key_and_by_no_other() {
    let bench = bench();
    let elsewhere = Elsewhere::new();
    let run = elsewhere.open(&packed(&bench)).expect("it opens");
    let verification = crate::verify(&run, &with_first_key()).expect("it is looked at");
    assert_eq!(verification.weight(), Weight::Note, "{:?}", verification.findings);
    assert_eq!(verification.known, Some(Known::Key));
    let other = Trusted { keys: vec![secret(9).public()], ..Trusted::default() };
    assert_eq!(weight(&run, &other), Weight::Altered);
    // The log in the bundle says how keys follow each other, not who is trusted.
    let nobody = crate::verify(&run, &Trusted::default()).expect("it is looked at");
    assert!(nobody.known.is_none() && nobody.lacks_a_key_alone());
}

#[test]
fn a_run_without_a_seal_is_packed_and_said_to_be_without() {
    let bench = bench();
    fs::remove_file(bench.path("segments/seal")).expect("it is there");
    fs::remove_file(bench.path("segments/seal.sig")).expect("it is there");
    let mut bytes = Vec::new();
    let logs = here(&bench).hosts;
    let told = pack(&bench.run, &logs, &mut bytes).expect("it packs");
    assert!(!told.sealed && told.epochs && told.len == bytes.len() as u64, "{told:?}");
    let run = Elsewhere::new();
    let run = run.open(&bytes).map(|run| weight(&run, &with_first_key()));
    assert_eq!(run.expect("it opens"), Weight::Unclean);
}

/// Opens and verifies these bytes; the weight of what is found, unreadable when they are no bundle.
fn verdict(elsewhere: &Elsewhere, bytes: &[u8]) -> Weight {
    let word = elsewhere.put(bytes);
    match elsewhere.store.select_checked(&word) {
        Ok(run) => weight(&run, &with_first_key()),
        Err(_) => Weight::Unreadable,
    }
}

#[test]
fn no_changed_byte_and_no_cut_passes() {
    let elsewhere = Elsewhere::new();
    let whole = packed(&bench());
    assert_eq!(verdict(&elsewhere, &whole), Weight::Note);
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        assert_ne!(verdict(&elsewhere, &changed), Weight::Note, "byte {at}");
        if at % 7 == 0 {
            assert_ne!(verdict(&elsewhere, &whole[..at]), Weight::Note, "cut at {at}");
        }
    }
    // What failed has left nothing behind but the whole one.
    assert_eq!(elsewhere.places().len(), 1);
}

/// The same bytes with a hash that is right: what somebody does who wants to be believed.
pub(super) fn mended(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.len() - 32;
    let hash = event::sign::sha256(&bytes[..end]);
    [&bytes[..end], &hash].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_change_with_a_right_hash_is_found_or_changes_nothing(
        at in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let elsewhere = Elsewhere::new();
        let bench = bench();
        let mut bytes = packed(&bench);
        let at = at.index(bytes.len() - 32);
        bytes[at] ^= 1 << bit;
        let word = elsewhere.put(&mended(&bytes));
        let Ok(run) = elsewhere.store.select(&word) else { return Ok(()) };
        for name in ["seal", "seal.sig", "000001.seg", "000002.seg"] {
            let name = format!("segments/{name}");
            let same = fs::read(run.path().join(&name)).ok() == Some(bench.read(&name));
            prop_assert!(same || weight(&run, &with_first_key()) != Weight::Note);
        }
    }
}

#[test]
fn what_was_unpacked_and_changed_since_is_unpacked_anew_before_it_is_verified() {
    let elsewhere = Elsewhere::new();
    let word = elsewhere.put(&packed(&bench()));
    let changes: [&dyn Fn(&RunDir); 3] = [
        &|run| fs::write(run.path().join("segments/seal"), "{}").expect("room"),
        &|run| fs::remove_file(run.path().join("segments/000002.seg")).expect("it is there"),
        &|run| fs::write(run.path().join("segments/000003.seg"), "x").expect("room"),
    ];
    for change in changes {
        change(&elsewhere.store.select(&word).expect("it opens"));
        let run = elsewhere.store.select_checked(&word).expect("it opens");
        assert_eq!(weight(&run, &with_first_key()), Weight::Note);
    }
    assert_eq!(elsewhere.places().len(), 1);
}

#[test]
fn an_import_is_a_run_of_the_store_and_is_made_once() {
    let bench = bench();
    let elsewhere = Elsewhere::new();
    let told = Imported { host: "build-3".to_owned(), ..Imported::default() };
    let bytes = packed(&bench);
    let run = elsewhere.open(&bytes).expect("it opens");
    assert_eq!(elsewhere.store.import(&run, &told).expect("room"), Arrival::New);
    assert_eq!(elsewhere.store.import(&run, &Imported::default()).expect("room"), Arrival::Known);
    let imported = elsewhere.store.select("last").expect("it is there");
    assert_eq!(imported.imported(), Some(told));
    assert_eq!(weight(&imported, &with_first_key()), Weight::Note);
    let mut again = Vec::new();
    pack(&imported, &[], &mut again).expect("it packs");
    assert_eq!(again, bytes, "an import is as good as the original");
    // Another run that says to have its id.
    fs::write(imported.path().join("segments/seal"), "{}").expect("room");
    let refused = elsewhere.store.import(&run, &Imported::default()).expect_err("it is another");
    assert!(refused.to_string().contains("another run of this id"), "{refused}");
}

#[test]
fn places_are_bounded_and_the_one_in_use_stays() {
    let elsewhere = Elsewhere::new();
    let first = elsewhere.open(&hostile::with_segment(b"0")).expect("it opens");
    for number in 1..40_u8 {
        elsewhere.open(&hostile::with_segment(&[number])).expect("it opens");
    }
    assert!(first.path().join("segments/000001.seg").exists());
    assert_eq!(elsewhere.places().len(), 32);
    let half = elsewhere.temp.path().join("cache/bundles/123.new");
    fs::create_dir(&half).expect("room");
    elsewhere.open(&hostile::with_segment(b"x")).expect("it opens");
    assert!(!half.exists(), "what a dead process left goes");
}

#[test]
fn a_place_that_others_may_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let elsewhere = Elsewhere::new();
    let bundles = elsewhere.temp.path().join("cache/bundles");
    fs::create_dir_all(&bundles).expect("room");
    fs::set_permissions(&bundles, fs::Permissions::from_mode(0o777)).expect("it is ours");
    let why = elsewhere.open(&packed(&bench())).expect_err("it is refused").to_string();
    assert!(why.contains("somebody else could change"), "{why}");
    assert!(matches!(
        Store::open(elsewhere.temp.path()).select(&elsewhere.put(b"x")),
        Err(Error::NoCache { .. })
    ));
    assert!(HostLog::carried(&bench().run).is_none(), "a run of this store has no log of its own");
}
