//! A small bundle, signed and verified, compared with the runs of cosign that aicr makes for that: the same command
//! lines, in the same order, and at the same time where aicr does that.

use std::fs;
use std::path::Path;

use crate::pairs::{Pair, shell};
use crate::{AICR, Bench, Keys};

const SIGNING_CONFIG: &str = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{},"tsaConfig":{}}"#;
const TRUSTED_ROOT: &str = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[],"ctlogs":[],"timestampAuthorities":[]}"#;

impl Bench {
    pub(crate) fn signing(&self) {
        let Keys { private: key, public } = Keys::throwaway();
        let aicr = format!("COSIGN_PASSWORD= {AICR} --cosign {} --quiet", self.cosign);
        let input = self.room.join("small");
        fs::create_dir(&input).expect("make a directory");
        fs::write(input.join("file"), "content").expect("write a file");
        let bundle = |copy: &Path| {
            let (input, copy) = (input.display(), copy.display());
            format!("{aicr} bundle {input} --output {copy} --signing-key {key} --tlog-upload=false")
        };
        let (one, two) = (self.room.join("one"), self.room.join("two"));
        let other = key.replace("throwaway", "other");
        let add =
            format!("{aicr} bundle-sign {} --add --signing-key {other} --tlog-upload=false", two.display());
        for line in [bundle(&one), bundle(&two), add] {
            assert!(shell(&line).succeeded, "{line}");
        }
        let verify = |bundle: &Path, more: &str| {
            format!("{aicr} verify {} --key {public} --insecure-ignore-tlog{more}", bundle.display())
        };
        let bare = Bare::new(&self.cosign, &self.room.join("private"), &one, &key, &public);
        let both = verify(&two, &format!(" --key {} --require 2", public.replace("throwaway", "other")));
        let sign = || bundle(&self.fresh());
        let (bare_sign, bare_verify, one) = (bare.sign(), bare.verify(), verify(&one, ""));
        let runs = self.runs * 3;
        let runs_of_cosign = "the same runs of cosign";
        let pair = Pair::run(runs, &mut || shell(&sign()), &mut || shell(&bare_sign));
        self.row("bundle and sign", "1 file", runs_of_cosign, &pair);
        let pair = Pair::run(runs, &mut || shell(&one), &mut || shell(&bare_verify));
        self.row("verify", "1 file", runs_of_cosign, &pair);
        let pair = Pair::run(runs, &mut || shell(&both), &mut || shell(&one));
        self.row("verify, two signatures", "1 file", "verify, one signature", &pair);
    }
}

/// The runs of cosign, without aicr.
struct Bare<'a> {
    cosign: &'a str,
    key: &'a str,
    /// The flags of `sign-blob`, and those of `verify-blob` with the signature of a bundle.
    signs: String,
    verifies: String,
    /// What the signature is over, and something else.
    right: String,
    wrong: String,
}

impl<'a> Bare<'a> {
    fn new(cosign: &'a str, private: &Path, bundle: &Path, key: &'a str, public: &str) -> Self {
        fs::create_dir(private).expect("make a directory");
        for (name, text) in
            [("signing-config.json", SIGNING_CONFIG), ("trusted-root.json", TRUSTED_ROOT), ("wrong", "wrong")]
        {
            fs::write(private.join(name), text).expect("write a file");
        }
        let (p, bundle) = (private.display(), bundle.display());
        let root = format!("--trusted-root={p}/trusted-root.json");
        let signature = format!("--bundle={bundle}/attestation/checksums.txt.sigstore.json");
        Self {
            cosign,
            key,
            signs: format!(
                "--yes=true --key={key} --signing-config={p}/signing-config.json {root} --bundle={p}/bundle.json"
            ),
            verifies: format!("--key={public} --insecure-ignore-tlog=true {root} {signature}"),
            right: format!("{bundle}/checksums.txt"),
            wrong: format!("{p}/wrong"),
        }
    }

    /// Two runs at the same time, and the exit status of the second.
    fn together(&self, one: &str, other: &str) -> String {
        let cosign = self.cosign;
        format!(
            "{cosign} {one} >/dev/null 2>&1 & {cosign} {other} >/dev/null 2>&1; status=$?; wait; (exit $status)"
        )
    }

    /// The questions that every command asks.
    fn probe(&self) -> String {
        self.together("version", "sign-blob --signing-config=x --help")
    }

    fn sign(&self) -> String {
        let Self { cosign, key, signs, verifies, right, wrong } = self;
        let questions = self.together(
            &format!("verify-blob {verifies} {right} --help"),
            &format!("sign-blob {signs} {right} --help"),
        );
        let key =
            self.together(&format!("verify-blob {verifies} {wrong}"), &format!("public-key --key={key}"));
        format!(
            "export COSIGN_PASSWORD=; {}; {questions}; {key}; {cosign} sign-blob {signs} {right} >/dev/null 2>&1; \
             {cosign} verify-blob {verifies} {right} >/dev/null 2>&1",
            self.probe()
        )
    }

    fn verify(&self) -> String {
        let Self { verifies, right, wrong, .. } = self;
        let both = self
            .together(&format!("verify-blob {verifies} {wrong}"), &format!("verify-blob {verifies} {right}"));
        format!("{}; {both}", self.probe())
    }
}
