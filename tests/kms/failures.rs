//! A run of `aicr bundle` that must fail, in tables: what differs from a run that works.

use crate::sandbox::{Run, Sandbox};
use crate::site::Site;

/// A signer that works, to be spoiled.
pub(crate) struct Signer<'a> {
    /// Where the server is.
    pub(crate) site: &'a Site,
    /// The reference without its last part.
    pub(crate) keys: &'a str,
    /// The last part of a key that works.
    pub(crate) good: &'a str,
    /// The variables with which that key signs.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// More words for `aicr bundle`.
    pub(crate) more: &'a str,
}

/// Stands for what cosign said where that differs from run to run.
const LEFT_OUT: &str = "    (what cosign said)\n";

/// The name of the key, what is changed (`NAME=value`, or `-NAME` for a variable that is not set), the
/// exit code, and all of stderr.
pub(crate) type Row<'a> = (&'a str, &'a [&'a str], i32, &'a str);

impl Signer<'_> {
    /// Each of the rows fails as it says and leaves nothing behind, and without what was changed a
    /// signature is made. `{key}` in a row stands for the reference.
    pub(crate) fn fails(&self, rows: &[Row<'_>]) {
        let site = self.site;
        site.small_dist();
        self.run(self.good, &[]).whatever_it_prints().succeeds();
        std::fs::remove_dir_all(site.path("B")).unwrap();
        for (key, changes, exit, stderr) in rows {
            let before = left(site);
            let stderr = stderr.replace("{key}", &format!("{}{key}", self.keys));
            let run = self.run(key, changes).stderr(&stderr);
            let run = if stderr.contains(LEFT_OUT) { run.cosigns_words_left_out() } else { run };
            run.exits(*exit);
            assert_eq!(left(site), before, "{key} {changes:?}");
        }
    }

    fn run(&self, key: &str, changes: &[&str]) -> Run<'_> {
        let words = format!(
            "bundle dist --output B --tlog-upload=false --timeout 60s --signing-key {}{key}{}",
            self.keys, self.more
        );
        let run = self.site.aicr_given(self.variables, &words);
        changes.iter().fold(run, |run, change| match change.split_once('=') {
            Some((name, value)) => run.env(name, &value.replace("{server}", &self.site.of_server(""))),
            None => run.without(change.trim_start_matches('-')),
        })
    }
}

/// Everything on the stage that a run could have left.
fn left(sandbox: &Sandbox) -> Vec<String> {
    sandbox.tree("").into_iter().filter(|name| !name.starts_with("server/")).collect()
}
