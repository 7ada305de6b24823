//! The table of destinations, and the other values of `bundle` and `bundle-sign`.

use clap::Parser;

use super::*;
use crate::cli::{self, Cli};
use crate::settings::Environment;

fn parsed(line: &[&str]) -> cli::Command {
    let arguments = std::iter::once("aicr").chain(line.iter().copied());
    Cli::try_parse_from(arguments).expect("a line that clap reads").command
}

fn bundle(line: &[&str]) -> Result<BundlePlan> {
    let cli::Command::Bundle(args) = parsed(line) else { panic!("not bundle: {line:?}") };
    BundlePlan::new(args, Surroundings { environment: &Environment::default(), terminal: false })
}

fn bundle_sign(line: &[&str]) -> Result<BundleSignPlan> {
    let cli::Command::BundleSign(args) = parsed(line) else { panic!("not bundle-sign: {line:?}") };
    BundleSignPlan::new(args, Surroundings { environment: &Environment::default(), terminal: false })
}

#[test]
fn a_bundle_is_built_in_exactly_one_place() {
    let plan = bundle(&["bundle", "a", "b", "-o", "out", "--exclude", "*.o", "--force"]).expect("a plan");
    let expected = BundlePlan {
        destination: Destination::Output {
            inputs: vec!["a".into(), "b".into()],
            directory: "out".into(),
            exclude: vec!["*.o".to_owned()],
        },
        follow_links: false,
        allow_name_collisions: false,
        allow_private_keys: false,
        release: None,
        signer: None,
        run: Run { dry_run: false, force: true },
    };
    assert_eq!(plan, expected);
    let plan = bundle(&[
        "bundle",
        "a",
        "--in-place",
        "--allow-name-collisions",
        "--allow-private-keys",
        "--dry-run",
    ]);
    let expected = BundlePlan {
        destination: Destination::InPlace { directory: "a".into() },
        follow_links: false,
        allow_name_collisions: true,
        allow_private_keys: true,
        release: None,
        signer: None,
        run: Run { dry_run: true, force: false },
    };
    assert_eq!(plan.expect("a plan"), expected);
}

#[test]
fn all_bundles_have_the_same_signer() {
    let line = ["bundle-sign", "a", "b", "--signing-key=k", "--tlog-upload=false", "--dry-run", "--force"];
    let plan = bundle_sign(&line).expect("a plan");
    assert_eq!(plan.bundles, ["a", "b"]);
    assert_eq!((plan.dry_run, plan.others), (true, OtherSignatures::Replace));
    let Signer::Key(key) = plan.signer else { panic!("not a key") };
    assert_eq!(key.key.value.as_cosign_arg(), "k");
}

#[test]
fn flags_decide_about_the_signatures_of_others() {
    for (flags, expected) in [
        (&[][..], OtherSignatures::Refuse),
        (&["--force"], OtherSignatures::Replace),
        (&["--add"], OtherSignatures::Keep),
    ] {
        let line = [&["bundle-sign", "a", "--signing-key=k"][..], flags].concat();
        assert_eq!(bundle_sign(&line).expect("a plan").others, expected);
    }
}

#[test]
fn refusals_of_bundle() {
    let unset = "an unset variable in the command line is the usual cause";
    for (line, message, hint) in [
        (
            &["bundle", "a"][..],
            "bundle needs --output or --in-place",
            "add --output DIR, or add --in-place to write the manifest into the input itself",
        ),
        (
            &["bundle", "a", "-o", "out", "--in-place"][..],
            "--output cannot be used with --in-place: a bundle is built in one place",
            "leave out --output to write the manifest into the input itself, or leave out --in-place",
        ),
        (
            &["bundle", "a", "b\n", "c", "--in-place"][..],
            "--in-place takes exactly one directory, not 3 (`a` and 2 more)",
            "build from several inputs in a new directory: --output DIR",
        ),
        (
            &["bundle", "a", "--in-place", "--exclude=*.o"][..],
            "--exclude cannot be used with --in-place: the files would stay in the bundle, and verify rejects unlisted files",
            "build in a new directory with --output DIR, or move the files away",
        ),
        (&["bundle", "a", "--output="][..], "--output: the path is empty", unset),
        (&["bundle", "a", "", "-o", "out"][..], "INPUT: the path is empty", unset),
        (&["bundle", "a", "-o", "out", "--exclude="][..], "--exclude: the pattern is empty", unset),
    ] {
        let failure = bundle(line).expect_err(message);
        assert_eq!(failure.class().code(), 2);
        assert_eq!((failure.message(), failure.way_out()), (message, Some(hint)));
    }
}

#[test]
fn refusals_of_bundle_sign() {
    for (line, message, hint) in [
        (
            &["bundle-sign", "a"][..],
            "bundle-sign needs a signer",
            "add --signing-key REF or --keyless, or set AICR_SIGNING_KEY",
        ),
        (
            &["bundle-sign", "a", "--signing-key=k", "--add", "--force"][..],
            "--add cannot be used with --force: it keeps what --force replaces",
            "leave out --force to add a signature, or leave out --add to replace the others",
        ),
        (
            &["bundle-sign", "a", "--keyless", "--identity-token=t", "--add"][..],
            "--add cannot be used with --keyless: only a key can add a signature",
            "add --signing-key REF in place of --keyless",
        ),
        (
            &["bundle-sign", "a", "", "--signing-key=k"][..],
            "BUNDLE: the path is empty",
            "an unset variable in the command line is the usual cause",
        ),
    ] {
        let failure = bundle_sign(line).expect_err(message);
        assert_eq!(failure.class().code(), 2);
        assert_eq!((failure.message(), failure.way_out()), (message, Some(hint)));
    }
}
