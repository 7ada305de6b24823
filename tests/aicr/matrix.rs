//! What has to be so on every release of cosign: who can read whose signatures, what no forgery may do,
//! where nothing may go, and what the README tells those who have no `aicr`. `make matrix` runs this
//! with all releases of `scripts/cosign-releases.txt`, `make test` with the one that is there.

mod forged;
mod network;
mod pairs;
mod recipes;
mod variables;

/// Releases that accept forged, relabelled or diverted signatures, as advisories and measurements
/// say: what the tests here do with them shows that the attacks are real.
const FOOLED: [&str; 5] = ["v2.0.2", "v2.2.4", "v2.4.1", "v2.6.1", "v3.0.2"];
