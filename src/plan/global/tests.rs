//! The tables of the global flags.

use super::super::value::Source;
use super::*;

const HEX: &str = "00ff0123456789abcdefABCDEF0123456789abcdef0123456789abcdef012345";

fn args() -> GlobalArgs {
    GlobalArgs {
        cosign: None,
        cosign_sha256: None,
        timeout: None,
        jobs: None,
        format: Format::Text,
        quiet: false,
        verbose: false,
        color: Color::Auto,
        report: None,
    }
}

fn plan(args: GlobalArgs, environment: &Environment) -> Result<GlobalPlan> {
    GlobalPlan::new(args, environment, NonZeroUsize::MIN)
}

#[test]
fn nothing_typed_gives_the_defaults() {
    let expected = GlobalPlan {
        cosign: None,
        cosign_sha256: None,
        timeout: Sourced { value: Duration::from_secs(180), source: Source::Flag("--timeout") },
        jobs: NonZeroUsize::MIN,
        format: Format::Text,
        verbosity: Verbosity::Normal,
        color: Color::Auto,
    };
    assert_eq!(plan(args(), &Environment::default()).expect("a plan"), expected);
}

#[test]
fn everything_typed_is_understood() {
    let typed = GlobalArgs {
        cosign: Some("bin/cosign".into()),
        cosign_sha256: Some(HEX.to_owned()),
        timeout: Some("1m 30s".to_owned()),
        jobs: Some("7".to_owned()),
        format: Format::Json,
        quiet: true,
        verbose: false,
        color: Color::Never,
        report: None,
    };
    let environment = Environment::of([("AICR_TIMEOUT", ""), ("AICR_COSIGN", "")]);
    let plan = plan(typed, &environment).expect("a plan");
    let source = Source::Flag("--cosign");
    assert_eq!(plan.cosign, Some(Sourced { value: "bin/cosign".into(), source }));
    assert_eq!(plan.cosign_sha256.expect("a digest").as_bytes()[..4], [0x00, 0xff, 0x01, 0x23]);
    assert_eq!(plan.timeout.value, Duration::from_secs(90));
    assert_eq!(plan.jobs.get(), 7);
    assert_eq!((plan.format, plan.verbosity, plan.color), (Format::Json, Verbosity::Quiet, Color::Never));
}

#[test]
fn variables_are_used_without_their_flags() {
    let environment = Environment::of([("AICR_TIMEOUT", "250ms"), ("AICR_COSIGN", "/opt/cosign")]);
    let plan = plan(GlobalArgs { verbose: true, ..args() }, &environment).expect("a plan");
    let source = Source::Variable("AICR_COSIGN");
    assert_eq!(plan.cosign, Some(Sourced { value: "/opt/cosign".into(), source }));
    let source = Source::Variable("AICR_TIMEOUT");
    assert_eq!(plan.timeout, Sourced { value: Duration::from_millis(250), source });
    assert_eq!(plan.verbosity, Verbosity::Verbose);
}

#[track_caller]
fn refused(typed: GlobalArgs, environment: &Environment, message: &str, hint: &str) {
    let failure = plan(typed, environment).expect_err(message);
    assert_eq!(failure.class().code(), 2);
    assert_eq!((failure.message(), failure.way_out()), (message, Some(hint)));
}

#[test]
fn bad_durations_are_refused() {
    let form = "write a number with its unit, such as 90s, 3m or 1h";
    for (value, problem) in [
        ("180", "`180` has no unit"),
        ("0", "a timeout of 0 would stop cosign at once"),
        ("0s", "a timeout of 0 would stop cosign at once"),
        ("", "the duration is empty"),
        ("soon\n", "`soon\\u{a}` is not a duration"),
        ("-3m", "`-3m` is not a duration"),
        ("2years", "`2years` is longer than 30 days"),
        ("30days 1ns", "`30days 1ns` is longer than 30 days"),
        ("99999999999999999999y", "`99999999999999999999y` is not a duration"),
    ] {
        let typed = GlobalArgs { timeout: Some(value.to_owned()), ..args() };
        refused(typed, &Environment::default(), &format!("--timeout: {problem}"), form);
        let environment = Environment::of([("AICR_TIMEOUT", value)]);
        refused(args(), &environment, &format!("AICR_TIMEOUT: {problem}"), form);
    }
}

#[test]
fn a_duration_may_be_as_long_as_30_days() {
    let typed = GlobalArgs { timeout: Some("30days".to_owned()), ..args() };
    let plan = plan(typed, &Environment::default()).expect("a plan");
    assert_eq!(plan.timeout.value, Duration::from_secs(2_592_000));
}

#[test]
fn jobs_are_a_number_within_limits() {
    let jobs = |jobs: &str| GlobalArgs { jobs: Some(jobs.to_owned()), ..args() };
    for (typed, expected) in [("1", 1), ("256", 256)] {
        let plan = plan(jobs(typed), &Environment::default()).expect("a plan");
        assert_eq!(plan.jobs.get(), expected);
    }
    for (typed, shown) in [
        ("0", "0"),
        ("257", "257"),
        ("-1", "-1"),
        ("", ""),
        ("x\n", "x\\u{a}"),
        ("99999999999999999999", "99999999999999999999"),
    ] {
        refused(
            jobs(typed),
            &Environment::default(),
            &format!("--jobs: `{shown}` is not a number from 1 to 256"),
            "leave out --jobs to use one job for each processor",
        );
    }
    // A machine may have more processors.
    let plan = GlobalPlan::new(args(), &Environment::default(), NonZeroUsize::MAX).expect("a plan");
    assert_eq!(plan.jobs.get(), 256);
}

#[test]
fn bad_binaries_are_refused() {
    refused(
        GlobalArgs { cosign: Some("".into()), ..args() },
        &Environment::default(),
        "--cosign: the path is empty",
        "name the cosign binary, or leave out --cosign to use the one on the PATH",
    );
    refused(
        args(),
        &Environment::of([("AICR_COSIGN", "")]),
        "AICR_COSIGN: the path is empty",
        "name the cosign binary, or unset AICR_COSIGN to use the one on the PATH",
    );
    let (not_hex, not_ascii) = (HEX.replace('a', "g"), "é".repeat(32));
    for digest in ["", "abc", &HEX[1..], &not_hex, &not_ascii] {
        refused(
            GlobalArgs { cosign_sha256: Some(digest.to_owned()), ..args() },
            &Environment::default(),
            &format!("--cosign-sha256: `{digest}` is not 64 hex digits"),
            "`sha256sum \"$(command -v cosign)\"` prints the digest of the cosign on the PATH",
        );
    }
}
