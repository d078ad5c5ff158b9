//! The core async workloads on tokio's current-thread runtime. Takes a workload's name (and a
//! number for `park`), prints what the .async file prints; `op NAME N` repeats one operation, for
//! counting its instructions.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::{JoinHandle, LocalSet, spawn_local, yield_now};
use tokio::time::sleep;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| -> usize {
        let text = arguments.get(index).map_or("0", String::as_str);
        text.parse().expect("a number")
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let main = async {
        match arguments[0].as_str() {
            "spawn_join" => spawn_join().await,
            "sleep0_switch" => sleep0_switch().await,
            "await_chain" => await_chain().await,
            "lock_handoff" => lock_handoff().await,
            "semaphore" => semaphore().await,
            "event_pingpong" => event_pingpong().await,
            "queue" => queue().await,
            "timers" => timers().await,
            "park" => park(number(1)).await,
            "op" => operation(&arguments[1], number(2)).await,
            other => panic!("no workload {other}"),
        }
    };
    LocalSet::new().block_on(&runtime, main);
}

/// Runs `n` tasks and gives the sum of their results.
async fn all<F>(n: usize, mut make: impl FnMut(usize) -> F) -> usize
where
    F: Future<Output = usize> + 'static,
{
    let tasks: Vec<JoinHandle<usize>> = (0..n).map(|i| spawn_local(make(i))).collect();
    let mut total = 0;
    for task in tasks {
        total += task.await.expect("a task ends");
    }
    total
}

async fn spawn_join() {
    let mut total = 0;
    for _ in 0..140 {
        total += all(1000, |i| async move { i & 7 }).await;
    }
    println!("spawn_join {total}");
}

async fn sleep0_switch() {
    let steps = Rc::new(Cell::new(0));
    let spinner = |_| {
        let steps = Rc::clone(&steps);
        async move {
            for _ in 0..2500 {
                steps.set(steps.get() + 1);
                yield_now().await;
            }
            0
        }
    };
    all(100, spinner).await;
    println!("sleep0_switch {}", steps.get());
}

type Boxed = Pin<Box<dyn Future<Output = usize>>>;

fn descend(depth: usize, suspend: bool) -> Boxed {
    Box::pin(async move {
        if depth == 0 {
            if suspend {
                yield_now().await;
            }
            return 1;
        }
        1 + descend(depth - 1, suspend).await
    })
}

fn deep_spinner(depth: usize, turns: usize) -> Boxed {
    Box::pin(async move {
        if depth == 0 {
            for _ in 0..turns {
                yield_now().await;
            }
            return turns;
        }
        deep_spinner(depth - 1, turns).await
    })
}

async fn await_chain() {
    let mut total = 0;
    for _ in 0..5000 {
        total += descend(100, false).await;
    }
    for _ in 0..2000 {
        total += descend(100, true).await;
    }
    total += deep_spinner(200, 70000).await;
    println!("await_chain {total}");
}

async fn lock_handoff() {
    let state = Rc::new(Mutex::new(0));
    let worker = |_| {
        let state = Rc::clone(&state);
        async move {
            for _ in 0..650 {
                let mut state = state.lock().await;
                let seen = *state;
                yield_now().await;
                *state = seen + 1;
            }
            0
        }
    };
    all(100, worker).await;
    println!("lock_handoff {}", state.lock().await);
}

async fn semaphore() {
    let permits = Rc::new(Semaphore::new(10));
    let (inside, peak) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let worker = |_| {
        let (permits, inside, peak) = (Rc::clone(&permits), Rc::clone(&inside), Rc::clone(&peak));
        async move {
            for _ in 0..750 {
                let _permit = permits.acquire().await.expect("it is never closed");
                inside.set(inside.get() + 1);
                peak.set(peak.get().max(inside.get()));
                yield_now().await;
                inside.set(inside.get() - 1);
            }
            750
        }
    };
    let done = all(120, worker).await;
    println!("semaphore {done} {}", peak.get());
}

async fn event_pingpong() {
    async fn ping(here: Rc<Notify>, there: Rc<Notify>) -> usize {
        for _ in 0..4500 {
            here.notified().await;
            there.notify_one();
        }
        0
    }
    let pair = |_| async {
        let (a, b) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
        a.notify_one();
        let left = spawn_local(ping(Rc::clone(&a), Rc::clone(&b)));
        let right = spawn_local(ping(b, a));
        left.await.expect("a task ends");
        right.await.expect("a task ends");
        4500
    };
    println!("event_pingpong {}", all(20, pair).await);
}

async fn queue() {
    let (sender, receiver) = async_channel::bounded::<usize>(16);
    let total = Rc::new(Cell::new(0));
    let consumers: Vec<_> = (0..8)
        .map(|_| {
            let (receiver, total) = (receiver.clone(), Rc::clone(&total));
            spawn_local(async move {
                while let Ok(item) = receiver.recv().await {
                    total.set(total.get() + item);
                }
            })
        })
        .collect();
    let producer = |_| {
        let sender = sender.clone();
        async move {
            for i in 0..9000 {
                sender.send(i).await.expect("there are consumers");
            }
            0
        }
    };
    all(16, producer).await;
    sender.close();
    for task in consumers {
        task.await.expect("a task ends");
    }
    println!("queue {} {}", total.get(), receiver.len());
}

async fn timers() {
    let fired = Rc::new(Cell::new(0));
    for _ in 0..30 {
        let handles: Vec<_> = (0..2000)
            .map(|i| {
                let fired = Rc::clone(&fired);
                spawn_local(async move {
                    sleep(Duration::from_micros(10 * (i % 50))).await;
                    fired.set(fired.get() + 1);
                })
            })
            .collect();
        for handle in handles.iter().step_by(2) {
            handle.abort();
        }
        sleep(Duration::from_micros(600)).await;
        for handle in handles {
            // The cancelled half answers with an error.
            drop(handle.await);
        }
    }
    let sleeper = |i| async move {
        for k in 0..40 {
            sleep(Duration::from_micros(1 + (i as u64 + k) % 5)).await;
        }
        40
    };
    let total = all(1000, sleeper).await;
    println!("timers {} {total}", fired.get());
}

async fn park(n: usize) {
    let event = Rc::new(Notify::new());
    let tasks: Vec<_> = (0..n)
        .map(|_| {
            let event = Rc::clone(&event);
            spawn_local(async move { event.notified().await })
        })
        .collect();
    yield_now().await;
    for _ in 0..n / 61 + 2 {
        // The runtime polls its main task between batches of 61.
        yield_now().await;
    }
    println!("parked");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("a line");
    drop(tasks);
}

/// One operation, `n` times.
async fn operation(name: &str, n: usize) {
    match name {
        "await" => {
            for i in 0..n {
                std::hint::black_box(boxed(i).await);
            }
        }
        "switch" => {
            for _ in 0..n {
                yield_now().await;
            }
        }
        "spawn" => {
            for i in 0..n {
                let task = spawn_local(async move { i });
                std::hint::black_box(task.await.expect("a task ends"));
            }
        }
        "lock" => {
            let lock = Rc::new(Mutex::new(()));
            let worker = |_| {
                let lock = Rc::clone(&lock);
                async move {
                    for _ in 0..n / 2 {
                        let _held = lock.lock().await;
                        yield_now().await;
                    }
                    0
                }
            };
            all(2, worker).await;
        }
        "queue" => {
            let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
            let producer = spawn_local(async move {
                for i in 0..n {
                    sender.send(i).await.expect("there is a receiver");
                }
            });
            while let Some(item) = receiver.recv().await {
                std::hint::black_box(item);
            }
            producer.await.expect("a task ends");
        }
        "timer" => {
            let tasks: Vec<_> = (0..n)
                .map(|_| spawn_local(sleep(Duration::from_millis(1))))
                .collect();
            for task in tasks {
                task.await.expect("a task ends");
            }
        }
        other => panic!("no operation {other}"),
    }
}

#[inline(never)]
fn boxed(i: usize) -> Boxed {
    Box::pin(async move { i })
}
