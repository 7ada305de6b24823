//! The variables of aicr itself, and names that are nearly one of them: with a typo a default would
//! hold, and the default of `--tlog-upload` publishes.

use strsim::osa_distance;

use crate::error::{Failure, Result};
use crate::printable::show;
use crate::settings::Environment;

/// Every variable that aicr reads as a flag.
pub(super) const OWN: [&str; 4] = [COSIGN, TIMEOUT, SIGNING_KEY, TLOG_UPLOAD];

/// `--cosign`
pub(super) const COSIGN: &str = "AICR_COSIGN";
/// `--timeout`
pub(super) const TIMEOUT: &str = "AICR_TIMEOUT";
/// `--signing-key`
pub(super) const SIGNING_KEY: &str = "AICR_SIGNING_KEY";
/// `--tlog-upload`
pub(super) const TLOG_UPLOAD: &str = "AICR_TLOG_UPLOAD";

/// Refuses a variable whose name is one typo away from one of [`OWN`]: the same but for the case, or
/// one letter wrong, missing, added, or swapped with its neighbour.
pub(crate) fn refuse_typos(environment: &Environment) -> Result<()> {
    let names = environment.iter().filter_map(|(name, _)| name.to_str());
    for name in names.filter(|name| !OWN.contains(name)) {
        let upper = name.to_ascii_uppercase();
        if let Some(meant) = OWN.into_iter().find(|own| osa_distance(&upper, own) <= 1) {
            let name = show(name);
            return Err(Failure::usage(format!("{name} is not a variable of aicr; {meant} is"))
                .hint(format!("set {meant} instead, or unset {name}")));
        }
    }
    Ok(())
}

/// The warning of a run that signs: variables that begin as those of aicr do, and are not. Another
/// program may have them.
pub(crate) fn warning(environment: &Environment) -> Option<String> {
    let names: Vec<String> = environment
        .iter()
        .filter_map(|(name, _)| name.to_str())
        .filter(|name| name.starts_with("AICR_") && !OWN.contains(name))
        .map(show)
        .collect();
    let (are, variables) = if names.len() == 1 { ("is", "a variable") } else { ("are", "variables") };
    (!names.is_empty()).then(|| format!("{} {are} not {variables} of aicr", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_typo_is_refused() {
        for (name, meant) in [
            ("AICR_TLOG_UPLAOD", TLOG_UPLOAD),
            ("AICR_TLOG_UPLOADS", TLOG_UPLOAD),
            ("AICR_TLOGUPLOAD", TLOG_UPLOAD),
            ("AIRC_TLOG_UPLOAD", TLOG_UPLOAD),
            ("aicr_tlog_upload", TLOG_UPLOAD),
            ("Aicr_Tlog-Upload", TLOG_UPLOAD),
            ("AICR_SIGNIN_KEY", SIGNING_KEY),
            ("AICR_SINGING_KEY", SIGNING_KEY),
            ("AICR_TIMOUT", TIMEOUT),
            ("AICR_COSGIN", COSIGN),
        ] {
            let failure = refuse_typos(&Environment::of([(name, "")])).expect_err(name);
            assert_eq!(failure.class().code(), 2);
            assert_eq!(failure.message(), format!("{name} is not a variable of aicr; {meant} is"));
            assert_eq!(failure.way_out(), Some(format!("set {meant} instead, or unset {name}").as_str()));
        }
    }

    #[test]
    fn names_of_ours_and_of_others_are_left_alone() {
        let environment = Environment::of([
            ("AICR_COSIGN", ""),
            ("AICR_TIMEOUT", ""),
            ("AICR_SIGNING_KEY", ""),
            ("AICR_TLOG_UPLOAD", ""),
            ("AICR_LOG_LEVEL", ""),
            ("AICR_TLOG", ""),
            ("SIGNING_KEY", ""),
            ("COSIGN", ""),
        ]);
        assert!(refuse_typos(&environment).is_ok());
    }

    #[test]
    fn a_run_that_signs_warns_of_names_that_begin_as_ours_do() {
        for (names, expected) in [
            (["AICR_LOG_LEVEL", "AICR_SIGNING_KEY"], Some("AICR_LOG_LEVEL is not a variable of aicr")),
            (["AICR_LOG_LEVEL", "AICR_HOME"], Some("AICR_HOME, AICR_LOG_LEVEL are not variables of aicr")),
            (["AICR_COSIGN", "HOME"], None),
        ] {
            let environment = Environment::of(names.map(|name| (name, "")));
            assert_eq!(warning(&environment).as_deref(), expected);
        }
    }
}
