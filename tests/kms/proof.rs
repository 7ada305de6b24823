//! The proof that a scheme works. With each release, a bundle is signed by the command of
//! `mission`, verified with the exported public key and with the reference itself, and every
//! contacted address is known.

use std::time::Instant;

use crate::loopback::cosign;
use crate::sandbox::Run;
use crate::site::Site;

/// The releases for the tests of the most common key managers.
pub(crate) const RELEASES: [&str; 4] = ["v2.2.4", "v2.4.1", "v3.0.2", "v3.1.3"];

/// A signer that must work.
pub(crate) struct Proof<'a> {
    /// The site of the server.
    pub(crate) site: &'a Site,
    /// The reference, which is printed.
    pub(crate) key: &'a str,
    /// The variables that a signer needs, and no others.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// Further arguments for `aicr bundle`.
    pub(crate) sign_with: &'a str,
    /// Further arguments for `aicr verify` with the reference; `None` if that is impossible.
    pub(crate) verify_with: Option<&'a str>,
    /// All addresses that may be contacted.
    pub(crate) reaches: &'a [&'a str],
}

impl Proof<'_> {
    fn run(&self, words: &str, cosign: &str) -> Run<'_> {
        self.site.aicr_given(self.variables, words).env("AICR_COSIGN", cosign)
    }

    /// Checks each of these releases, and prints a line for each.
    pub(crate) fn holds_with(&self, versions: &[&str]) {
        self.site.small_dist();
        for version in versions {
            let cosign = cosign(version);
            let Self { site, key, variables: _, sign_with, verify_with, reaches } = self;
            let bundle = (1..100).map(|n| format!("B{n}")).find(|name| !site.path(name).exists()).unwrap();
            let sign = format!(
                "bundle dist --output {bundle} --signing-key {key} --tlog-upload=false --public-key-out {bundle}.pub{sign_with}"
            );
            let started = Instant::now();
            let signed = site.reached(self.run(&sign, &cosign));
            let seconds = started.elapsed().as_secs_f64();
            assert_eq!(signed, *reaches, "{version} {key}: bundle");
            let verify =
                |key: &str, more| format!("verify {bundle} --key {key} --insecure-ignore-tlog{more}");
            let offline = site.reached(self.run(&verify(&format!("{bundle}.pub"), ""), &cosign));
            assert_eq!(offline, [""; 0], "{version} {key}: verify with the file");
            if let Some(more) = verify_with {
                let asked = site.reached(self.run(&verify(key, more), &cosign));
                assert_eq!(asked, *reaches, "{version} {key}: verify with the reference");
            }
            println!("| {key} | {version} | {} | {seconds:.1} |", reaches.join(", "));
        }
    }

    /// Checks that the key cannot be used without any one of its variables, in the time in which it
    /// can be used with all of them.
    pub(crate) fn needs_every_variable(&self) {
        let doctor =
            format!("doctor --tlog-upload=false --timeout 20s --signing-key {}{}", self.key, self.sign_with);
        let cosign = self.site.cosign().to_str().unwrap();
        self.run(&doctor, cosign).whatever_it_prints().succeeds();
        for (name, _) in self.variables {
            let output = self.run(&doctor, cosign).without(name).output();
            assert!(!output.status.success(), "{} works without {name}", self.key);
        }
    }
}
