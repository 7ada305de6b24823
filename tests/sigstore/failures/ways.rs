//! Services that cannot be reached: host names, certificates, proxies.

use super::{LATER, RELEASES, Signing, nothing_is_left};
use crate::parallel::each;
use crate::site::Site;

const CLOCK: &str = "check the server's name and certificate, and this machine's clock";
const SITES_OWN: &str = "set SSL_CERT_FILE to the certificate of the site's authority";
const PROXY: &str = "check HTTPS_PROXY; NO_PROXY lists the hosts that need no proxy";
const OTHER_AUTHORITY: &str =
    "could not be reached: its server's certificate is signed by an authority that is not trusted here";

/// A variable with its value.
type Variable<'a> = (&'a str, &'a str);

/// The replacement of `https://localhost:PORT`, the variables, and the resulting reason and hint.
/// `{ca}` is the certificate of the site's authority, and `{other}` that of another one.
const WAYS: [(&str, &[Variable<'_>], &str, &str); 9] = [
    ("https://localhost:PORT", &[], OTHER_AUTHORITY, SITES_OWN),
    ("https://localhost:PORT", &[("SSL_CERT_FILE", "{other}")], OTHER_AUTHORITY, SITES_OWN),
    (
        "https://wrong-name:PORT",
        &[("SSL_CERT_FILE", "{ca}")],
        "could not be reached: its server's certificate does not verify",
        CLOCK,
    ),
    (
        "https://service.invalid",
        &[],
        "could not be reached: its host name cannot be resolved",
        "check the address, and the name servers of this machine",
    ),
    (
        "https://198.51.100.1",
        &[],
        "could not be reached: there is no network route to it",
        "check the network route to the server",
    ),
    (
        "https://198.51.100.1",
        &[("HTTPS_PROXY", "http://localhost:1")],
        "could not be reached: the connection to its proxy failed",
        PROXY,
    ),
    (
        "https://198.51.100.1",
        &[("HTTPS_PROXY", "http://localhost:4403")],
        "could not be reached: its proxy refused the connection",
        PROXY,
    ),
    (
        "https://localhost:4500",
        &[("SSL_CERT_FILE", "{ca}")],
        "could not be reached: its server does not speak TLS",
        "check the address; plain http:// works only for services on this machine",
    ),
    (
        "https://localhost:1",
        &[],
        "could not be reached: connection refused",
        "check the address, and that the server is running",
    ),
];

/// A service with TLS: its port, its flag, the path after the host, and further arguments for
/// signing with it.
type Service<'a> = (&'a str, &'a str, &'a str, &'a str);

fn each_way(site: &Site, (port, flag, path, more): Service<'_>, who: &str, releases: &[&'static str]) {
    let root = site.read("site/https/trusted-root.json");
    for (at, variables, reason, hint) in WAYS {
        let url = at.replace("PORT", port);
        let host = url.trim_start_matches("https://");
        site.file("root.json", root.replace(&format!("https://localhost:{port}"), &url));
        let words = format!("{more} {flag} {url}{path} --trusted-root root.json");
        let logs = flag == "--rekor-url";
        let log = if logs { host } else { "localhost:13000" };
        let notice = if words.contains("--tlog-upload=false") {
            String::new()
        } else {
            format!("notice: the signature goes to the transparency log at {log}\n")
        };
        let [ca, other] = ["ca.pem", "other/ca.pem"].map(|file| site.of_site(file));
        let signing =
            |release: &&'static str| Signing { sandbox: site, release, words: &words, notice: &notice };
        each(&releases.iter().map(signing).collect::<Vec<_>>(), |signing| {
            let run = variables.iter().fold(signing.run(), |run, (name, value)| {
                run.env(name, &value.replace("{ca}", &ca).replace("{other}", &other))
            });
            signing.run_fails(&run, (6, &format!("{who} at {host} {reason}"), hint));
        });
        nothing_is_left(site);
    }
    // It works with the site's authority.
    site.file("root.json", root);
    let words = format!("{more} {flag} https://localhost:{port}{path} --trusted-root root.json");
    for release in releases {
        let signing = Signing { sandbox: site, release, words: &words, notice: "" };
        signing.run().env("SSL_CERT_FILE", &site.of_site("ca.pem")).whatever_it_prints().succeeds();
        std::fs::remove_dir_all(site.path(format!("B.{release}"))).unwrap();
    }
}

#[test]
fn log_that_cannot_be_reached() {
    let site = Site::new();
    let log = "the transparency log";
    each_way(&site, ("13000", "--rekor-url", "", "--signing-key cosign.key"), log, &RELEASES);
    each_way(&site, ("13003", "--rekor-url", "", "--signing-key cosign.key"), log, &LATER);
}

#[test]
fn authority_that_cannot_be_reached() {
    let site = Site::new();
    site.token("token", "person", "");
    let stamp = (
        "13004",
        "--timestamp-server-url",
        "/api/v1/timestamp",
        "--signing-key cosign.key --tlog-upload=false",
    );
    each_way(&site, stamp, "the timestamp authority", &RELEASES);
    let certificate =
        ("15555", "--fulcio-url", "", "--keyless --identity-token token --rekor-url https://localhost:13000");
    each_way(&site, certificate, "the certificate authority", &RELEASES);
}
