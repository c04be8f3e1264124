//! A small data set, a small network, and one short training that many tests look at.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

pub(crate) const ITERATIONS: u64 = 24;
pub(crate) const WINDOW: u64 = 4;
pub(crate) const NETWORK: &str = "
name = 'small'
[[layer]]
name = 'conv1'
conv2d = { filters = 4, kernel = 3, padding = 1 }
[[layer]]
name = 'relu1'
relu = {}
[[layer]]
name = 'pool1'
max_pool = { kernel = 2, stride = 2 }
[[layer]]
name = 'fc1'
dense = { units = 3 }
[solver]
lr = 0.05
batch = 16
iterations = 24
validate_every = 10
";

/// A folder with the data, the network, and a finished run.
pub(crate) struct Fixture {
    pub(crate) dir: TempDir,
}

impl Fixture {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn run(&self) -> String {
        self.path("runs/small").display().to_string()
    }

    pub(crate) fn data(&self) -> String {
        format!("idx:{}", self.path("idx").display())
    }

    /// The program with arguments, in the fixture's folder.
    pub(crate) fn call(&self, arguments: &[&str]) -> Output {
        call_in(self.dir.path(), arguments)
    }

    /// Trains under another name.
    pub(crate) fn train(&self, name: &str, more: &[&str]) -> Output {
        let (data, window) = (self.data(), WINDOW.to_string());
        let mut arguments =
            vec!["train", "net.toml", "--data", &data, "--name", name, "--window", &window, "--seed", "3"];
        arguments.extend(more);
        self.call(&arguments)
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.call(arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

pub(crate) fn call_in(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_deepeyes")).current_dir(dir).args(arguments).output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The fixture that all tests of this process share.
pub(crate) fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let fixture = Fixture { dir: tempfile::tempdir().unwrap() };
        write_data(&fixture.path("idx"));
        std::fs::write(fixture.path("net.toml"), NETWORK).unwrap();
        let trained = fixture.train("small", &[]);
        assert!(trained.status.success(), "{}", stderr(&trained));
        fixture
    })
}

/// Three classes of 8 x 8 images: the class is the third of the image that is bright.
fn write_data(dir: &Path) {
    std::fs::create_dir(dir).unwrap();
    for (split, n) in [("train", 240u32), ("t10k", 60)] {
        let label = |i: u32| (i % 3) as u8;
        let pixel = |i: u32, p: u32| {
            let third = (p % 8) / 3 == u32::from(label(i));
            if third { 200 + (i * 7 + p) as u8 % 50 } else { (i * 31 + p * 17) as u8 % 60 }
        };
        let header = |kind: u8, sizes: &[u32]| {
            let mut bytes = vec![0, 0, 8, kind];
            bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
            bytes
        };
        let mut images = header(3, &[n, 8, 8]);
        images.extend((0..n).flat_map(|i| (0..64).map(move |p| pixel(i, p))));
        let mut labels = header(1, &[n]);
        labels.extend((0..n).map(label));
        std::fs::write(dir.join(format!("{split}-images-idx3-ubyte")), images).unwrap();
        std::fs::write(dir.join(format!("{split}-labels-idx1-ubyte")), labels).unwrap();
    }
}
