//! Which cosign the tests use: the one that the Makefile names, or else one that is there already, so
//! that `cargo test` works by itself. Nothing here builds a cosign: that takes minutes.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::sandbox::repository;

/// The cosign to test with: `AICR_TEST_COSIGN`, then the one on the PATH, then the newest release that
/// `scripts/get-cosign` has built.
pub(crate) fn test_cosign() -> String {
    static FOUND: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let on_the_path = || which::which("cosign").ok();
        path_in("AICR_TEST_COSIGN").or_else(on_the_path).or_else(|| newest_in(&cache()?))
    });
    let found = FOUND.as_ref().unwrap_or_else(|| {
        let newest = releases().pop().unwrap();
        panic!("the tests need a cosign: run `scripts/get-cosign {newest}` once, then run them again")
    });
    found.to_str().unwrap().to_owned()
}

/// The releases of `make matrix`; outside of that, the one cosign of the other tests.
pub(crate) fn cosigns() -> Vec<PathBuf> {
    let list = env::var("AICR_TEST_MATRIX").unwrap_or_else(|_| format!("test={}", test_cosign()));
    list.split_whitespace().map(|pair| pair.split_once('=').unwrap().1.into()).collect()
}

/// The path in a variable that is set and not empty.
fn path_in(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where `scripts/get-cosign` keeps what it has built.
fn cache() -> Option<PathBuf> {
    let caches = path_in("XDG_CACHE_HOME").or_else(|| Some(path_in("HOME")?.join(".cache")))?;
    Some(caches.join("aicr/cosign"))
}

/// The newest release in such a cache.
fn newest_in(cache: &Path) -> Option<PathBuf> {
    let built = |version: String| cache.join(version).join("cosign");
    releases().into_iter().rev().map(built).find(|path| path.is_file())
}

/// The versions in `scripts/cosign-releases.txt`, the oldest first.
fn releases() -> Vec<String> {
    let list = fs::read_to_string(repository().join("scripts/cosign-releases.txt")).unwrap();
    let versions = list.lines().filter(|line| line.starts_with('v'));
    versions.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn the_newest_release_in_the_cache_is_taken() {
    let cache = tempfile::tempdir().unwrap();
    assert_eq!(newest_in(cache.path()), None);
    let all = releases();
    for version in &all[..2] {
        let path = cache.path().join(version).join("cosign");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(newest_in(cache.path()), Some(path));
    }
    // A build that is under way, and a release that the list does not have.
    for name in [format!(".{}.AbCdEf", all[2]), "v9.9.9".to_owned()] {
        fs::create_dir(cache.path().join(&name)).unwrap();
        fs::write(cache.path().join(&name).join("cosign"), "").unwrap();
    }
    assert_eq!(newest_in(cache.path()), Some(cache.path().join(&all[1]).join("cosign")));
}
