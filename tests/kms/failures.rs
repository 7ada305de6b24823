//! Tables of runs of `aicr bundle` that must fail: what is changed in a run that works.

use crate::sandbox::{Run, Sandbox};
use crate::site::Site;

/// A signer that works, before the changes.
pub(crate) struct Signer<'a> {
    /// The site of the server.
    pub(crate) site: &'a Site,
    /// The reference without its last part.
    pub(crate) keys: &'a str,
    /// The last part of a key that works.
    pub(crate) good: &'a str,
    /// The variables with which that key signs.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// Further arguments for `aicr bundle`.
    pub(crate) more: &'a str,
}

/// The place of cosign's text, where it differs from run to run.
const LEFT_OUT: &str = "    (what cosign said)\n";

/// The name of the key, what is changed (`NAME=value`, or `-NAME` for a variable that is not set),
/// the exit code, and all of stderr.
pub(crate) type Row<'a> = (&'a str, &'a [&'a str], i32, &'a str);

impl Signer<'_> {
    /// Each row fails with its message and leaves nothing behind. Without the changes the signer
    /// works. `{key}` in a row is the reference.
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

/// Everything in the test directory that a run could leave behind.
fn left(sandbox: &Sandbox) -> Vec<String> {
    sandbox.tree("").into_iter().filter(|name| !name.starts_with("server/")).collect()
}
