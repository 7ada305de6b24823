//! The examples of `docs/sigstore.md`, run unchanged but for the names of the site, with each
//! release.

use std::fs;

use crate::loopback::cosign;
use crate::parallel::each;
use crate::sandbox::{Sandbox, repository};
use crate::site::{ALL, Site};

/// Texts of the page, and their replacements here. The services use TLS.
const PLACES: [(&str, &str); 7] = [
    ("https://fulcio.site", "https://localhost:15555"),
    ("https://rekor.site", "https://localhost:13000"),
    ("https://tsa.site", "https://localhost:13004"),
    ("https://issuer.site", "https://localhost:8888"),
    ("/etc/release/", "../../site/"),
    ("dev@example.com", "dev@example.test"),
    (r"@example\.com", r"@example\.test"),
];

/// The examples that sign, with the notice and the report. The lines of the example also verify.
const SIGNED: [(&str, &str, &str); 4] = [
    ("key-and-log", NOTICE, "log checked, timestamp none"),
    ("key-and-timestamp", "", "log none, timestamp checked"),
    ("signing-config", NOTICE, "log checked, timestamp checked"),
    ("keyless", NOTICE, "log checked, timestamp checked"),
];

const NOTICE: &str = "notice: the signature goes to the transparency log at localhost:13000\n";

fn page() -> String {
    fs::read_to_string(repository().join("docs/sigstore.md")).unwrap()
}

/// The shell lines of one example.
fn example(name: &str) -> String {
    let page = page();
    let start = format!("<!-- example: {name} -->\n```sh\n");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("there is no example {name}"));
    let lines = rest.split_once("```").unwrap().0.to_owned();
    PLACES.iter().fold(lines, |lines, (text, replacement)| lines.replace(text, replacement))
}

/// Runs the lines of an example with this release in a new directory. Returns their output.
fn run(sandbox: &Sandbox, name: &str, directory: &str, release: &str, stderr: &str) -> String {
    // 2.4 cannot create trusted roots and signing configs.
    let maker = if release == "v2.4.1" { "v3.1.3" } else { release };
    let path = |place: &str| sandbox.path(place).into_os_string().into_string().unwrap();
    let output = sandbox
        .shell(&format!("set -e\n{}", example(name)))
        .within(directory)
        .env("PATH", &format!("{}:{}:/usr/bin:/bin", path(&format!("with/{maker}")), path("bin")))
        .env("AICR_COSIGN", &path(&format!("with/{release}/cosign")))
        .output();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success() && said[1] == stderr, "{name} with {release}: {said:?}");
    let [stdout, _] = said;
    stdout
}

#[test]
fn every_example_works() {
    assert_eq!(page().matches("<!-- example: ").count(), SIGNED.len() + 2);
    let site = Site::new();
    let releases = ["v2.4.1", "v2.6.1", "v3.0.2", "v3.1.3"];
    let mut ways = Vec::new();
    for release in releases {
        site.link(&format!("with/{release}/cosign"), cosign(release));
        for signed in SIGNED {
            let (name, ..) = signed;
            let directory = format!("{release}/{name}");
            let own = |file: &str, content: String| site.file(&format!("{directory}/{file}"), content);
            own("dist/a", "alpha\n".to_owned());
            own("cosign.key", site.read("cosign.key"));
            for file in ["fulcio.pem", "ctlog.pub", "tsa.pem"] {
                own(file, site.read(&format!("site/{file}")));
            }
            own("rekor.pub", site.read("site/rekor1.pub"));
            site.token(&format!("{directory}/token"), "person", "");
            ways.push((release, signed, directory));
        }
    }
    let sandbox: &Sandbox = &site;
    each(&ways, |(release, (name, notice, evidence), directory)| {
        run(sandbox, "trusted-root", directory, release, "");
        let said = run(sandbox, name, directory, release, notice);
        assert!(said.contains("signed release-1.4\n"), "{said}");
        let (_, accepted) = said.split_once("\naccepted release-1.4\n").unwrap();
        assert!(accepted.contains(evidence), "{accepted}");
    });

    site.stop(&ALL);
    for release in releases {
        let said = run(sandbox, "verify", &format!("{release}/keyless"), release, "");
        assert_eq!(said.matches("accepted release-1.4\n").count(), 2);
    }
}
