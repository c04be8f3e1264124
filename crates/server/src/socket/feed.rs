//! What one page is to hear next: the difference between what it was last sent and how things are.

use super::session::Subscription;
use crate::api::blocking;
use crate::app::App;
use crate::error::ApiResult;
use crate::frame::Place;
use crate::runs::{Moment, Source};
use crate::views::{self, Snapshots};
use crate::wire::{Overview, RunStatus, RunTick, ServerMessage, View, finite};
use axum::extract::ws::Message;
use deepeyes_core::LayerSpec;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two looks at what another process writes, and at the list of runs.
const POLL: Duration = Duration::from_secs(1);
/// Iterations in one `scalars` message at most.
const MOST_SCALARS: usize = 2000;
/// Share of the newest loss in the smoothed one of a run that another process writes.
const NEWEST: f64 = 0.05;
/// Iterations over which it is smoothed.
const SMOOTHED: usize = 100;

/// What one page is to hear next.
pub(super) struct Feed {
    app: App,
    generation: Option<u64>,
    listed: Option<Instant>,
    looked: Option<Look>,
    /// Messages of one look: at most one a view, and only until the next look.
    ready: VecDeque<Message>,
}

/// A page's look at one run, and what it was last sent of it.
struct Look {
    subscription: Subscription,
    /// When a run that another process writes was last looked at.
    polled: Option<Instant>,
    sent: Sent,
}

#[derive(Debug, Clone, Default)]
struct Sent {
    /// Whether this process trained the run at the last look.
    live: bool,
    version: u64,
    tick: Option<RunTick>,
    /// The last iteration of the curves.
    step: Option<u64>,
    validations: Option<usize>,
    overview: Option<Overview>,
    findings: u64,
    /// Which windows the layers had.
    windows: u64,
    /// Which window the subscribed layer had.
    layer: Option<u64>,
}

impl Feed {
    pub(super) fn new(app: App) -> Self {
        Self { app, generation: None, listed: None, looked: None, ready: VecDeque::new() }
    }

    /// The page looks at something else.
    pub(super) fn subscribe(&mut self, subscription: Option<Subscription>) {
        self.ready.clear();
        self.looked = subscription.map(|subscription| Look {
            sent: Sent { step: subscription.since, ..Sent::default() },
            subscription,
            polled: None,
        });
    }

    /// The next message; `None`: nothing until the next look.
    pub(super) async fn next(&mut self) -> ApiResult<Option<Message>> {
        if let Some(message) = self.ready.pop_front() {
            return Ok(Some(message));
        }
        if self.look().await? { Ok(self.ready.pop_front()) } else { Ok(None) }
    }

    /// Looks at how things are; whether there is something to say.
    async fn look(&mut self) -> ApiResult<bool> {
        self.look_at_list().await?;
        if let Some(look) = &mut self.looked {
            let app = self.app.clone();
            let (subscription, sent, polled) = (look.subscription.clone(), look.sent.clone(), look.polled);
            let changes = blocking(move || changes(&app, &subscription, sent, polled)).await?;
            if let Some(Changes { messages, sent, polled }) = changes {
                look.sent = sent;
                look.polled = polled;
                self.ready.extend(messages);
            }
        }
        Ok(!self.ready.is_empty())
    }

    async fn look_at_list(&mut self) -> ApiResult<()> {
        if self.listed.is_some_and(|at| at.elapsed() < POLL) {
            return Ok(());
        }
        self.listed = Some(Instant::now());
        let runs = self.app.runs.clone();
        let generation = blocking(move || runs.generation()).await?;
        if self.generation.replace(generation).is_some_and(|before| before != generation) {
            self.ready.push_back(json(&ServerMessage::RunsChanged)?);
        }
        Ok(())
    }
}

/// What a look found.
struct Changes {
    messages: Vec<Message>,
    sent: Sent,
    polled: Option<Instant>,
}

/// Compares a run with what was last sent of it; `None` where it need not be looked at yet.
fn changes(
    app: &App,
    subscription: &Subscription,
    mut sent: Sent,
    polled: Option<Instant>,
) -> ApiResult<Option<Changes>> {
    let run = app.runs.find(&subscription.run)?;
    let live = run.live();
    let first = sent.tick.is_none();
    if live.is_none() && !first && !sent.live && polled.is_some_and(|at| at.elapsed() < POLL) {
        return Ok(None);
    }
    let mut messages = Vec::new();
    let tick = tick(&run, live.as_ref())?;
    let moved = first || sent.live != live.is_some() || sent.version != tick.version;
    if sent.tick.as_ref() != Some(&tick) {
        messages.push(json(&ServerMessage::Run(tick.clone()))?);
    }
    if moved {
        messages.extend(scalars(&run, &tick, &mut sent)?);
        messages.extend(windows(&run, subscription, &mut sent)?);
    }
    sent.live = live.is_some();
    sent.version = tick.version;
    sent.tick = Some(tick);
    Ok(Some(Changes { messages, sent, polled: Some(Instant::now()) }))
}

fn json(message: &ServerMessage) -> ApiResult<Message> {
    Ok(Message::text(serde_json::to_string(message)?))
}

/// Where a run is.
fn tick(run: &Source, live: Option<&Moment>) -> ApiResult<RunTick> {
    let summary = run.runs().summary(run);
    if let Some(error) = summary.error {
        return Err(crate::error::ApiError::internal(error));
    }
    let state = live.map(|moment| &moment.state);
    let recent = match state {
        Some(_) => Vec::new(),
        None => run.read(|reader| reader.last_scalars(SMOOTHED))?,
    };
    let going = summary.status == RunStatus::Running;
    let rate = match state {
        Some(state) => state.iterations_per_second,
        None => {
            let seconds: f64 = recent.iter().map(|scalar| scalar.seconds).sum();
            finite(recent.len() as f64 / seconds).filter(|_| going)
        }
    };
    let left = summary.iterations.map(|iterations| iterations.saturating_sub(summary.step) as f64);
    let smoothed = || {
        let losses = recent.iter().map(|scalar| scalar.loss).filter(|loss| loss.is_finite());
        losses.reduce(|mean, loss| mean + NEWEST * (loss - mean))
    };
    Ok(RunTick {
        run: run.id.clone(),
        status: summary.status,
        paused: live
            .and_then(|moment| moment.run.control.as_ref())
            .is_some_and(|control| control.is_paused()),
        step: summary.step,
        iterations: summary.iterations,
        loss: summary.loss,
        smoothed_loss: state.map_or_else(smoothed, |state| state.smoothed_loss),
        train_accuracy: match state {
            Some(state) => state.train_accuracy,
            None => recent.last().and_then(|scalar| scalar.train_accuracy),
        },
        iterations_per_second: rate,
        eta_seconds: left.zip(rate).map(|(left, rate)| left / rate).filter(|eta| going && eta.is_finite()),
        cost_share: state.and_then(|state| state.cost.share),
        thinned: state.is_some_and(|state| state.cost.thinned),
        problems: run.problems(),
        version: state.map_or_else(|| run.fingerprint().content >> 12, |state| state.version),
    })
}

/// What the curves gained.
fn scalars(run: &Source, tick: &RunTick, sent: &mut Sent) -> ApiResult<Option<Message>> {
    // A run that was resumed from a checkpoint goes on from there.
    let after = sent.step.unwrap_or(tick.step).min(tick.step);
    let new = run.scalars_after(Some(after))?;
    let all = run.validations()?;
    let known = sent.validations.unwrap_or_else(|| {
        let since = sent.step.unwrap_or(u64::MAX);
        all.iter().take_while(|validation| validation.step <= since).count()
    });
    let validations = all.get(known..).unwrap_or_default();
    sent.step = Some(new.last().map_or(after, |scalar| scalar.step));
    sent.validations = Some(all.len());
    if new.is_empty() && validations.is_empty() {
        return Ok(None);
    }
    let (step, loss, train_accuracy) = views::columns(&views::thin(&new, MOST_SCALARS));
    let validations = views::validations(validations);
    json(&ServerMessage::Scalars { run: run.id.clone(), step, loss, train_accuracy, validations }).map(Some)
}

/// New windows: the overview, and the subscribed layer's filters.
fn windows(run: &Source, subscription: &Subscription, sent: &mut Sent) -> ApiResult<Vec<Message>> {
    let mut messages = Vec::new();
    let wants = |view| subscription.views.contains(&view);
    if !wants(View::Overview) && !wants(View::Layer) {
        return Ok(messages);
    }
    let snapshots = views::snapshots(run, None)?;
    let windows =
        digest(snapshots.iter().flatten().map(|snapshot| (Arc::as_ptr(snapshot) as usize, snapshot.to)));
    if windows == std::mem::replace(&mut sent.windows, windows) {
        return Ok(messages);
    }
    let layers = run.description()?.layers;
    if wants(View::Overview) {
        messages.extend(overview(run, &layers, &snapshots, sent)?);
    }
    if wants(View::Layer)
        && let Some(layer) = subscription.layer
    {
        run.check_layer(layer)?;
        if let Some(snapshot) = &snapshots[layer] {
            let sample = run.sample(layer, snapshot)?;
            let place = Place { run: run.id.clone(), layer: Some(layer), step: snapshot.to };
            let frame = views::filters(place, &layers[layer], snapshot, sample.as_deref())?;
            let digest = digest(frame.iter());
            if sent.layer.replace(digest) != Some(digest) {
                messages.push(Message::Binary(frame));
            }
        }
    }
    Ok(messages)
}

fn overview(
    run: &Source,
    layers: &[LayerSpec],
    snapshots: &Snapshots,
    sent: &mut Sent,
) -> ApiResult<Option<Message>> {
    let overview = views::overview_of_snapshots(snapshots, None);
    if overview.layers.is_empty() || sent.overview.as_ref() == Some(&overview) {
        return Ok(None);
    }
    let findings = serde_json::to_vec(&views::findings_of_layers(layers, snapshots).findings)?;
    let findings = digest(findings.iter());
    let findings_changed = std::mem::replace(&mut sent.findings, findings) != findings;
    sent.overview = Some(overview.clone());
    json(&ServerMessage::Overview { run: run.id.clone(), overview, findings_changed }).map(Some)
}

fn digest(values: impl Iterator<Item = impl Hash>) -> u64 {
    let mut hasher = DefaultHasher::new();
    values.for_each(|value| value.hash(&mut hasher));
    hasher.finish()
}
