//! Uploads as they come: whole, again, out of order, too many, too late.

use super::*;
use deepeyes_core::{Activations, Batch, Event, Image, LayerSpec, RunDescription, Values};
use deepeyes_store::{Reader, RunStatus, find_runs};
use std::time::Instant;
use tempfile::TempDir;

const FILTERS: usize = 64;
const INPUTS: usize = 64;

fn description(name: &str) -> RunDescription {
    RunDescription {
        name: name.to_owned(),
        network: "small".to_owned(),
        layers: vec![LayerSpec {
            name: "dense".to_owned(),
            kind: "dense".to_owned(),
            filters: FILTERS,
            grid: [1, 1],
            parameters: 1,
            ..LayerSpec::default()
        }],
        parameters: 1,
        batch: Some(INPUTS),
        settings: "{}".to_owned(),
        ..RunDescription::default()
    }
}

fn request(name: &str, rank: u32, ranks: u32) -> IngestStart {
    IngestStart { format: body::FORMAT, description: description(name), window: 4, seed: 1, rank, ranks }
}

/// Steps with activations.
fn upload(steps: std::ops::RangeInclusive<u64>) -> Vec<u8> {
    let batch = |step: u64| Batch {
        step,
        loss: 1.0 / step as f64,
        inputs: (0..INPUTS as i64).collect(),
        activations: vec![Activations {
            layer: 0,
            values: Values::Rows {
                values: (0..INPUTS * FILTERS).map(|at| (at as u64 * step % 17) as f32).collect(),
                inputs: (0..INPUTS as u32).collect(),
                positions: vec![0; INPUTS],
            },
        }],
        ..Batch::default()
    };
    packed(&steps.map(|step| Event::Batch(batch(step))).collect::<Vec<_>>())
}

fn packed(events: &[Event]) -> Vec<u8> {
    let mut bytes = Vec::new();
    events.iter().for_each(|event| body::append(&mut bytes, event).unwrap());
    body::compress(&bytes).unwrap()
}

struct Fixture {
    logdir: TempDir,
    ingest: Ingest,
}

impl Fixture {
    fn new(silence: Duration) -> Self {
        let logdir = tempfile::tempdir().unwrap();
        let ingest = Ingest::new(Runs::new(logdir.path()), logdir.path().to_owned(), silence);
        Self { logdir, ingest }
    }

    fn begin(&self, name: &str) -> Arc<Session> {
        let started = self.ingest.start(&request(name, 0, 1)).unwrap();
        self.ingest.session(&started.id, &started.key).unwrap()
    }

    fn status(&self, run: &str) -> RunStatus {
        Reader::open(self.logdir.path().join(run)).unwrap().info().unwrap().status
    }
}

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn an_upload_that_comes_again_is_applied_once_and_a_gap_is_refused() {
    let fixture = Fixture::new(LONG);
    let session = fixture.begin("run");
    assert_eq!(session.take(0, &upload(1..=3)), Ok(1));
    assert_eq!(session.take(0, &upload(1..=3)), Ok(1));
    assert_eq!(session.take(2, &upload(7..=9)), Err(Refusal::Gap { expected: 1 }));
    assert_eq!(session.take(1, &upload(4..=6)), Ok(2));
    assert_eq!(session.take(0, &[]), Ok(2));
    assert_eq!(session.take(2, &[]), Ok(3), "a sign of life");
    let end = |sequence| fixture.ingest.end(&session, sequence, Ending::Finished);
    assert_eq!(end(2), Err(Refusal::Gap { expected: 3 }));
    assert_eq!((end(3), end(3)), (Ok(()), Ok(())));
    assert_eq!(session.take(2, &[]), Ok(3), "its answer may have been lost");
    assert_eq!(session.take(3, &[]), Err(Refusal::Ended));
    fixture.ingest.close();
    let reader = Reader::open(fixture.logdir.path().join("run")).unwrap();
    assert_eq!(reader.info().unwrap().status, RunStatus::Finished);
    let steps: Vec<u64> = reader.scalars().unwrap().iter().map(|scalar| scalar.step).collect();
    assert_eq!(steps, (1..=6).collect::<Vec<u64>>());
    let window = reader.layer_snapshot(0, None).unwrap().unwrap();
    assert_eq!((window.from, window.to, window.statistics.instances), (1, 4, 4 * INPUTS as u64));
}

#[test]
fn what_cannot_be_read_is_refused_and_the_next_one_taken() {
    let fixture = Fixture::new(LONG);
    let session = fixture.begin("run");
    let image = Arc::new(Image { height: 2, width: 2, channels: 1, pixels: Box::new([0; 3]) });
    let misshapen = packed(&[Event::Batch(Batch { images: vec![image], ..Batch::default() })]);
    let bomb = body::compress(&vec![0; body::MOST_EVENT_BYTES + 1]).unwrap();
    let many = packed(&vec![Event::Batch(Batch::default()); body::MOST_EVENTS + 1]);
    let cut = body::compress(&[0, 1, 2]).unwrap();
    for body in [&b"no events"[..], &misshapen, &bomb, &many, &cut] {
        assert!(matches!(session.take(0, body), Err(Refusal::Unusable(_))));
    }
    assert_eq!(session.take(0, &upload(1..=2)), Ok(1));
}

#[test]
fn more_than_the_analysis_can_take_is_refused_until_it_has() {
    let fixture = Fixture::new(LONG);
    let session = fixture.begin("run");
    let mut crowded = 0;
    for sequence in 0..4 {
        let body = upload(sequence * 200 + 1..=sequence * 200 + 200);
        while session.take(sequence, &body) == Err(Refusal::Crowded) {
            crowded += 1;
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    assert!(crowded > 0);
    fixture.ingest.end(&session, 4, Ending::Finished).unwrap();
    fixture.ingest.close();
    let reader = Reader::open(fixture.logdir.path().join("run")).unwrap();
    assert_eq!(reader.scalars().unwrap().len(), 800);
}

#[test]
fn a_silent_trainer_leaves_its_run_interrupted_and_its_lock_free() {
    let fixture = Fixture::new(Duration::from_millis(50));
    let (session, started) = (fixture.begin("run"), Instant::now());
    session.take(0, &upload(1..=4)).unwrap();
    fixture.ingest.let_go_of_silent();
    assert!(started.elapsed() > Duration::from_millis(50) || session.goes_on());
    std::thread::sleep(Duration::from_millis(60));
    fixture.ingest.let_go_of_silent();
    assert_eq!(session.take(1, &[]), Err(Refusal::Ended));
    fixture.ingest.close();
    assert_eq!(fixture.status("run"), RunStatus::Interrupted);
    Writer::reopen(fixture.logdir.path().join("run"), &RunOptions::default()).unwrap();
}

#[test]
fn the_end_of_the_server_stores_what_waits() {
    let fixture = Fixture::new(LONG);
    let session = fixture.begin("folder/run");
    session.take(0, &upload(1..=40)).unwrap();
    fixture.ingest.close();
    assert_eq!(fixture.status("folder/run"), RunStatus::Interrupted);
    let reader = Reader::open(fixture.logdir.path().join("folder/run")).unwrap();
    assert_eq!(reader.scalars().unwrap().len(), 40);
}

#[test]
fn ranks_share_a_directory_and_another_training_has_its_own() {
    let fixture = Fixture::new(LONG);
    let id = |rank| fixture.ingest.start(&request("ddp", rank, 2)).unwrap().id;
    let (one, zero) = (id(1), id(0));
    assert_eq!(one, zero);
    let again = id(0);
    assert_ne!(again, zero);
    assert_eq!(id(1), again);
    fixture.ingest.close();
    let runs: Vec<String> =
        find_runs(fixture.logdir.path()).unwrap().into_iter().map(|run| run.name).collect();
    assert_eq!(runs, ["ddp", "ddp-2"]);
    for file in ["ddp/rank-0000.db", "ddp/rank-0001.db", "ddp-2/rank-0000.db", "ddp-2/rank-0001.db"] {
        assert!(fixture.logdir.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn beginnings_that_make_no_sense_are_refused() {
    let fixture = Fixture::new(LONG);
    let refused = |change: fn(&mut IngestStart)| {
        let mut start = request("run", 0, 1);
        change(&mut start);
        fixture.ingest.start(&start).unwrap_err()
    };
    let changes: [fn(&mut IngestStart); 8] = [
        |start| start.format = 2,
        |start| start.window = 0,
        |start| start.rank = 1,
        |start| start.ranks = 0,
        |start| start.description.name = "../run".to_owned(),
        |start| (start.description.name, start.ranks) = ("/run".to_owned(), 2),
        |start| start.description.layers[0].filters = usize::MAX,
        |start| start.description.layers[0].grid = [usize::MAX, 2],
    ];
    for change in changes {
        let error = refused(change);
        assert!(error.status == StatusCode::UNPROCESSABLE_ENTITY && !error.message.is_empty());
    }
    fixture.begin("outer");
    assert_eq!(refused(|start| start.description.name = "outer/inner".to_owned()).status, 422);
    assert_eq!(fixture.ingest.session("0", "guessed").unwrap_err().status, StatusCode::GONE);
}
