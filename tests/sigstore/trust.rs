//! Every combination of trust flags, with the whole output, after all services have ended.

use crate::loopback::{cosign, reached};
use crate::parallel::each;
use crate::sandbox::{KEY_SHA256, OTHER_KEY_SHA256, SMALL_SHA256, Sandbox};
use crate::site::{ALL, FULCIO, ISSUER, PERSON, REKOR_1, Site, TSA, WORKFLOW, WORKFLOWS};

const NEWEST: &str = "v3.1.3";

/// A test directory with a bundle of each kind: `key`, `logged` (by the key, too), `stamped` (in no
/// log), `person` and `workflow`.
fn prepared() -> Site {
    let site = Site::new();
    site.token("token", "person", "").token("other", "workflow", "").small_dist();
    let log = format!("--rekor-url {REKOR_1} --trusted-root site/trusted-root.json");
    let stamp = format!("--timestamp-server-url {TSA} --trusted-root site/trusted-root.json");
    for (bundle, flags) in [
        ("key", "--signing-key cosign.key --tlog-upload=false".to_owned()),
        ("logged", format!("--signing-key cosign.key {log}")),
        ("stamped", format!("--signing-key cosign.key --tlog-upload=false {stamp}")),
        ("person", format!("--keyless --identity-token token --fulcio-url {FULCIO} {log}")),
        ("workflow", format!("--keyless --identity-token other --fulcio-url {FULCIO} {log}")),
    ] {
        site.aicr(&format!("bundle dist --output {bundle} {flags}")).whatever_it_prints().succeeds();
    }
    site.stop(&ALL);
    site
}

fn accepted(bundle: &str, by: &str, evidence: &str) -> String {
    format!(
        "accepted {bundle}\n  manifest sha256\n    {SMALL_SHA256}\n  2 files, 11 bytes\n  {by}\n  {evidence}\n"
    )
}

#[test]
fn the_flags_decide_what_is_required() {
    let site = prepared();
    let key = format!("key sha256\n    {KEY_SHA256}");
    let person = format!("identity {PERSON}\n  issuer {ISSUER}");
    let identity = format!("--certificate-identity {PERSON} --certificate-oidc-issuer {ISSUER}");
    let root = "--trusted-root site/trusted-root.json";
    let accept =
        |bundle, flags: String, by: &str, evidence| (bundle, flags, Ok(accepted(bundle, by, evidence)));
    let reject =
        |bundle, flags: String, words: &str| (bundle, flags, Err(format!("error: {bundle}{words}\n")));
    const NO_ENTRY: &str = " is not accepted: there is no transparency log entry, and this command line requires one\nhint: add --insecure-ignore-tlog if it was signed with --tlog-upload=false";
    const NO_ROOT: &str = " is not accepted: without --trusted-root its transparency log entry cannot be checked\nhint: add --trusted-root FILE with the log's key, or --insecure-ignore-tlog to leave the entry unchecked";
    const NO_TIMESTAMP: &str = ": the signature has no timestamp";
    const ROTATED: &str = "a rotated key is the usual cause: use the public key of the version that signed";
    let ignore = "--key cosign.pub --insecure-ignore-tlog";
    let other = format!(" is signed by key {KEY_SHA256}, not by --key ({OTHER_KEY_SHA256})\nhint: {ROTATED}");
    let by_certificate = " is signed by an identity (keyless), not by a key";
    let by_key = format!(" is signed by key {KEY_SHA256}, not by an identity (keyless)");
    let rows = [
        // By a key only.
        accept("key", ignore.into(), &key, "log none, timestamp none"),
        accept("logged", ignore.into(), &key, "log unchecked, timestamp none"),
        accept("stamped", ignore.into(), &key, "log none, timestamp unchecked"),
        reject("person", ignore.into(), by_certificate),
        reject("key", "--key other.pub --insecure-ignore-tlog".into(), &other),
        // By a key, and recorded in a log.
        reject("key", "--key cosign.pub".into(), NO_ENTRY),
        reject("logged", "--key cosign.pub".into(), NO_ROOT),
        reject("key", format!("--key cosign.pub {root}"), NO_ENTRY),
        reject("stamped", format!("--key cosign.pub {root}"), NO_ENTRY),
        accept("logged", format!("--key cosign.pub {root}"), &key, "log checked, timestamp none"),
        reject("logged", format!("--key other.pub {root}"), &other),
        reject("logged", format!("--key cosign.pub {root} --require-timestamp"), NO_TIMESTAMP),
        reject("person", format!("--key cosign.pub {root}"), by_certificate),
        // By a key, and only the timestamp is required.
        accept("key", format!("{ignore} {root}"), &key, "log none, timestamp none"),
        accept("logged", format!("{ignore} {root}"), &key, "log unchecked, timestamp none"),
        accept("stamped", format!("{ignore} {root}"), &key, "log none, timestamp checked"),
        accept(
            "stamped",
            format!("{ignore} {root} --require-timestamp"),
            &key,
            "log none, timestamp checked",
        ),
        reject("key", format!("{ignore} {root} --require-timestamp"), NO_TIMESTAMP),
        reject("logged", format!("{ignore} {root} --require-timestamp"), NO_TIMESTAMP),
        // By an identity.
        accept("person", format!("{identity} {root}"), &person, "log checked, timestamp none"),
        reject("person", format!("{identity} {root} --require-timestamp"), NO_TIMESTAMP),
        reject(
            "person",
            format!("{identity} {root} --require-timestamp --insecure-ignore-tlog"),
            NO_TIMESTAMP,
        ),
        reject("logged", format!("{identity} {root}"), &by_key),
        reject("key", format!("{identity} {root}"), &by_key),
    ];
    for (bundle, flags, said) in rows {
        let run = site.aicr(&format!("verify {bundle} {flags}"));
        let (run, code) = match said {
            Ok(stdout) => (run.stdout(&stdout), 0),
            Err(stderr) => (run.stdout(&format!("rejected {bundle}\n")).stderr(&stderr), 5),
        };
        assert_eq!(reached(&site, run, code), [""; 0], "{bundle} {flags}");
    }
    // No file in a bundle is trusted.
    site.file("logged/key", site.read("cosign.pub"));
    site.aicr(&format!("verify logged --key logged/key {root}"))
        .stderr("error: --key logged/key lies in the bundle logged, so it proves nothing about it\nhint: use a key that you received through a separate channel\n")
        .exits(2);
    site.remove("logged/key").file("logged/root", site.read("site/trusted-root.json"));
    site.aicr("verify logged --key cosign.pub --trusted-root logged/root")
        .stderr("error: --trusted-root logged/root lies in logged, which is not trusted yet\nhint: use a file that you received through a separate channel\n")
        .exits(2);
}

/// One way to name an identity.
struct Naming {
    bundle: &'static str,
    flags: String,
    /// The warnings before the result.
    warnings: &'static str,
    said: Result<(&'static str, &'static str), &'static str>,
}

const PERSON_ONLY: Result<(&str, &str), &str> = Ok((PERSON, ISSUER));
const WORKFLOW_ONLY: Result<(&str, &str), &str> = Ok((WORKFLOW, WORKFLOWS));

/// Every way to name a person or a workflow, right and wrong.
#[expect(clippy::too_many_lines, reason = "it is a table of what is printed")]
fn namings() -> Vec<Naming> {
    let person = |identity: &str, issuer: &str, warnings, said| Naming {
        bundle: "person",
        flags: format!("--certificate-identity{identity} --certificate-oidc-issuer{issuer}"),
        warnings,
        said,
    };
    let workflow = |identity: &str, issuer: &str, warnings, said| Naming {
        bundle: "workflow",
        ..person(identity, issuer, warnings, said)
    };
    let exact = &format!("={ISSUER}");
    let actions = &format!("={WORKFLOWS}");
    vec![
        person(&format!("={PERSON}"), exact, "", PERSON_ONLY),
        person(
            "=other@example.test",
            exact,
            "",
            Err(
                "person is signed by dev@example.test (issuer https://localhost:8888), but --certificate-identity is other@example.test",
            ),
        ),
        person(
            "=DEV@example.test",
            exact,
            "",
            Err(
                "person is signed by dev@example.test (issuer https://localhost:8888), but --certificate-identity is DEV@example.test",
            ),
        ),
        person(
            &format!("={PERSON}"),
            actions,
            "",
            Err(
                "person is signed by dev@example.test (issuer https://localhost:8888), but --certificate-oidc-issuer is https://localhost:8888/actions",
            ),
        ),
        person(
            &format!("={PERSON}"),
            &format!("={ISSUER}/"),
            "",
            Err(
                "person is signed by dev@example.test (issuer https://localhost:8888), but --certificate-oidc-issuer is https://localhost:8888/",
            ),
        ),
        // The expression must match as a whole, anchored or not.
        person(r"-regexp=^dev@example\.test$", exact, "", PERSON_ONLY),
        person(r"-regexp=^other@example\.test$|^dev@example\.test$", exact, "", PERSON_ONLY),
        person(r"-regexp=(?i)^DEV@example\.test$", exact, "", PERSON_ONLY),
        person(
            r"-regexp=^other@example\.test$",
            exact,
            "",
            Err(
                "failed to verify certificate identity: no matching CertificateIdentity found, last error: expected SAN value to match regex \"^(?:^other@example\\\\.test$)$\", got \"dev@example.test\"",
            ),
        ),
        person(
            r"-regexp=.*@example\.test",
            exact,
            "warning: --certificate-identity-regexp must match the whole text: it is used as `^(?:.*@example\\.test)$`\n",
            PERSON_ONLY,
        ),
        person(
            "-regexp=dev",
            exact,
            "warning: --certificate-identity-regexp must match the whole text: it is used as `^(?:dev)$`\n",
            Err(
                "failed to verify certificate identity: no matching CertificateIdentity found, last error: expected SAN value to match regex \"^(?:dev)$\", got \"dev@example.test\"",
            ),
        ),
        person(
            r"-regexp=other|dev@example\.tes",
            exact,
            "warning: --certificate-identity-regexp must match the whole text: it is used as `^(?:other|dev@example\\.tes)$`\n",
            Err(
                "failed to verify certificate identity: no matching CertificateIdentity found, last error: expected SAN value to match regex \"^(?:other|dev@example\\\\.tes)$\", got \"dev@example.test\"",
            ),
        ),
        person(&format!("={PERSON}"), r"-regexp=^https://localhost:8888$", "", PERSON_ONLY),
        // The address of this issuer begins like that of another one.
        workflow(&format!("={WORKFLOW}"), actions, "", WORKFLOW_ONLY),
        workflow(
            &format!("={WORKFLOW}"),
            exact,
            "",
            Err(
                "workflow is signed by https://github.com/example/release/.github/workflows/release.yml@refs/heads/main (issuer https://localhost:8888/actions), but --certificate-oidc-issuer is https://localhost:8888",
            ),
        ),
        workflow(
            &format!("={WORKFLOW}"),
            "-regexp=https://localhost:8888",
            "warning: --certificate-oidc-issuer-regexp must match the whole text: it is used as `^(?:https://localhost:8888)$`\n",
            Err(
                "failed to verify certificate identity: no matching CertificateIdentity found, last error: expected issuer value to match regex \"^(?:https://localhost:8888)$\", got \"https://localhost:8888/actions\"",
            ),
        ),
        workflow(
            r"-regexp=^https://github\.com/example/release/.*$",
            "-regexp=^https://localhost:8888/[a-z]+$",
            "",
            WORKFLOW_ONLY,
        ),
        workflow(
            r"-regexp=^https://github\.com/example/rel/.*$",
            actions,
            "",
            Err(
                "failed to verify certificate identity: no matching CertificateIdentity found, last error: expected SAN value to match regex \"^(?:^https://github\\\\.com/example/rel/.*$)$\", got \"https://github.com/example/release/.github/workflows/release.yml@refs/heads/main\"",
            ),
        ),
    ]
}

impl Naming {
    fn is_as_expected(&self, sandbox: &Sandbox, release: &str) {
        let Self { bundle, flags, warnings, said } = self;
        let root = "--trusted-root site/trusted-root.json";
        let run = sandbox.aicr(&format!("verify {bundle} {flags} {root} --cosign {}", cosign(release)));
        match said {
            Ok((identity, issuer)) => {
                let by = format!("identity {identity}\n  issuer {issuer}");
                let stdout = accepted(bundle, &by, "log checked, timestamp none");
                run.stderr(warnings).stdout(&stdout).succeeds();
            }
            Err(words) => {
                let words = if words.starts_with(bundle) {
                    (*words).to_owned()
                } else {
                    // Older releases have other texts.
                    let words = if release == NEWEST { words } else { "(what cosign said)" };
                    format!(
                        "{bundle}: cosign does not accept the signature\n    {words}\nhint: --checksums-only compares the files with the manifest; it proves nothing about who made it"
                    )
                };
                let run = run
                    .stdout(&format!("rejected {bundle}\n"))
                    .stderr(&format!("{warnings}error: {words}\n"));
                let run = if release == NEWEST || !words.contains("    ") {
                    run
                } else {
                    run.cosigns_words_left_out()
                };
                run.exits(5);
            }
        }
    }
}

#[test]
fn an_identity_is_the_one_that_was_named() {
    let site = prepared();
    let namings = namings();
    let releases = ["v2.4.1", "v2.6.1", "v3.0.2", NEWEST];
    let cases: Vec<_> = namings.iter().flat_map(|naming| releases.map(|release| (naming, release))).collect();
    let sandbox: &Sandbox = &site;
    each(&cases, |(naming, release)| naming.is_as_expected(sandbox, release));
}
