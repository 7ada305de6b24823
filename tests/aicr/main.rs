//! Scenarios over the binary, with real cosign. `make test` runs them with one cosign, `make matrix`
//! runs the module `matrix` with every release of `scripts/cosign-releases.txt`.

mod scene;
