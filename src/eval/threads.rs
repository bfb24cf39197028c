//! Sharing tasks between threads.
//!
//! In: a number of tasks, and what a thread does with the tasks it claims. Out: all tasks done.
//! Three threads and seven tasks: each claims the next number until none is left; a worker that was
//! not scheduled in time claims nothing and is not waited for.
//! Source: measured here: any pool whose caller waits for a preempted worker stalls for milliseconds.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Threads used per call, the caller included. 0 means not set: what the machine has.
static LIMIT: AtomicUsize = AtomicUsize::new(0);

/// Limits the threads used per call, the caller included; 0 goes back to the default.
pub fn set(threads: usize) {
    LIMIT.store(threads, Ordering::Relaxed);
}

/// The threads used per call: what was [`set`], or `RAYON_NUM_THREADS`, or the machine's number.
pub fn get() -> usize {
    match LIMIT.load(Ordering::Relaxed) {
        0 => default_threads(),
        n => n,
    }
}

fn default_threads() -> usize {
    static DEFAULT: OnceLock<usize> = OnceLock::new();
    *DEFAULT.get_or_init(|| {
        let asked = std::env::var("RAYON_NUM_THREADS").ok();
        asked
            .and_then(|n| n.parse().ok())
            .filter(|&n| n > 0)
            .or_else(|| std::thread::available_parallelism().ok().map(Into::into))
            .unwrap_or(1)
    })
}

/// The worker threads of this process, made on first use, with at least `helpers` of them.
/// A forked child has none of its parent's threads and makes its own; the parent's pool is left
/// alone there, because dropping it would wait for threads that do not exist.
fn pool(helpers: usize) -> Option<Arc<rayon::ThreadPool>> {
    struct Pool {
        process: u32,
        workers: usize,
        pool: Arc<rayon::ThreadPool>,
    }
    static POOL: Mutex<Option<Pool>> = Mutex::new(None);
    let process = std::process::id();
    // A fork while another thread held the lock would leave it locked for ever: do without help then.
    let mut slot = POOL.try_lock().ok()?;
    if let Some(pool) = slot.as_ref()
        && pool.process == process
        && pool.workers >= helpers
    {
        return Some(pool.pool.clone());
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(helpers)
        .thread_name(|i| format!("lazy-{i}"))
        .build()
        .ok()
        .map(Arc::new)?;
    let old = slot.replace(Pool {
        process,
        workers: helpers,
        pool: pool.clone(),
    });
    if let Some(old) = old
        && old.process != process
    {
        std::mem::forget(old);
    }
    Some(pool)
}

/// Hands out the numbers of tasks, each once.
#[derive(Debug)]
pub struct Claims {
    next: AtomicUsize,
    tasks: usize,
}

impl Iterator for &Claims {
    type Item = usize;
    fn next(&mut self) -> Option<usize> {
        let task = self.next.fetch_add(1, Ordering::Relaxed);
        (task < self.tasks).then_some(task)
    }
}

/// Set in [`Job::state`] when the caller has gone: nobody may start any more.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// What the caller shares with its helpers.
struct Job {
    claims: Claims,
    /// The number of helpers at work, and [`CLOSED`].
    state: AtomicUsize,
    failed: AtomicBool,
    /// Lives on the caller's stack: to be used only by helpers counted in `state`.
    work: *const (dyn Fn(&Claims) + Sync),
}

// SAFETY: `work` is Sync, and `Job::help` uses it only while the caller keeps it alive.
unsafe impl Send for Job {}
// SAFETY: as above.
unsafe impl Sync for Job {}

impl Job {
    fn help(&self) {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if state & CLOSED != 0 {
                return;
            }
            match self.state.compare_exchange_weak(
                state,
                state + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        // SAFETY: counted in `state` before CLOSED was set, so the caller waits for us.
        let work = unsafe { &*self.work };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&self.claims)));
        if done.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        self.state.fetch_sub(1, Ordering::Release);
    }
}

/// Closes the job and waits for the helpers in flight, even if the caller's own work panics.
struct Close<'a>(&'a Job);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        // If the caller panics, nobody should begin another task.
        self.0
            .claims
            .next
            .fetch_max(self.0.claims.tasks, Ordering::Relaxed);
        let mut state = self.0.state.fetch_or(CLOSED, Ordering::Acquire);
        let mut spins = 0u32;
        while state & !CLOSED != 0 {
            spins += 1;
            if spins < 200 {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
            state = self.0.state.load(Ordering::Acquire);
        }
    }
}

/// Runs `work` on the calling thread, and on up to `threads - 1` others if they come in time. Each
/// call of `work` should claim tasks until there are none. Returns when all `tasks` are done.
pub fn run(tasks: usize, threads: usize, work: &(dyn Fn(&Claims) + Sync)) {
    let claims = Claims {
        next: AtomicUsize::new(0),
        tasks,
    };
    let helpers = threads.min(tasks).saturating_sub(1);
    let Some(pool) = (helpers > 0).then(|| pool(helpers)).flatten() else {
        return work(&claims);
    };
    let work: *const (dyn Fn(&Claims) + Sync + '_) = work;
    let job = Arc::new(Job {
        claims,
        state: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
        // SAFETY: only the lifetime changes; `Close` keeps the caller here while it is in use.
        work: unsafe {
            std::mem::transmute::<
                *const (dyn Fn(&Claims) + Sync + '_),
                *const (dyn Fn(&Claims) + Sync + 'static),
            >(work)
        },
    });
    for _ in 0..helpers {
        let job = job.clone();
        pool.spawn(move || job.help());
    }
    {
        let close = Close(&job);
        // SAFETY: it is our own reference, still alive.
        (unsafe { &*work })(&close.0.claims);
    }
    assert!(
        !job.failed.load(Ordering::Relaxed),
        "a worker thread panicked"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_is_done_once() {
        for threads in [1, 2, 5] {
            let done: Vec<AtomicUsize> = (0..1000).map(|_| AtomicUsize::new(0)).collect();
            run(done.len(), threads, &|claims| {
                for task in claims {
                    done[task].fetch_add(1, Ordering::Relaxed);
                }
            });
            assert!(done.iter().all(|d| d.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn calls_nest() {
        let done = AtomicUsize::new(0);
        run(8, 4, &|claims| {
            for _ in claims {
                run(8, 4, &|claims| {
                    done.fetch_add(claims.count(), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(done.into_inner(), 64);
    }
}
