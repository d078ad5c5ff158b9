// The core async workloads on async functions and promises.
// Takes a workload's name (and a number for `park`), prints what the .async file prints.
"use strict";

// A first-in first-out list of waiting tasks.
class Waiters {
  constructor() {
    this.items = [];
    this.head = 0;
  }

  park() {
    return new Promise((resolve) => this.items.push(resolve));
  }

  wakeFirst() {
    if (this.head === this.items.length) return false;
    this.items[this.head++]();
    if (this.head > 1000 && this.head * 2 > this.items.length) {
      this.items.splice(0, this.head);
      this.head = 0;
    }
    return true;
  }
}

const giveWay = () => Promise.resolve();
const times = (n, make) => Array.from({ length: n }, (_, i) => make(i));

async function descend(depth, suspend) {
  if (depth === 0) {
    if (suspend) await giveWay();
    return 1;
  }
  return 1 + (await descend(depth - 1, suspend));
}

async function deepSpinner(depth, turns) {
  if (depth === 0) {
    for (let i = 0; i < turns; i++) await giveWay();
    return turns;
  }
  return await deepSpinner(depth - 1, turns);
}

const workloads = {
  async spawn_join() {
    const child = async (i) => {
      await giveWay();
      return i & 7;
    };
    let total = 0;
    for (let wave = 0; wave < 140; wave++) {
      for (const task of times(1000, child)) total += await task;
    }
    return [total];
  },

  async sleep0_switch() {
    let steps = 0;
    await Promise.all(times(100, async () => {
      for (let i = 0; i < 2500; i++) {
        steps++;
        await giveWay();
      }
    }));
    return [steps];
  },

  async await_chain() {
    let total = 0;
    for (let i = 0; i < 5000; i++) total += await descend(100, false);
    for (let i = 0; i < 2000; i++) total += await descend(100, true);
    return [total + (await deepSpinner(200, 70000))];
  },

  async lock_handoff() {
    const waiters = new Waiters();
    let locked = false;
    let state = 0;
    await Promise.all(times(100, async () => {
      for (let i = 0; i < 650; i++) {
        if (locked) await waiters.park();
        else locked = true;
        const seen = state;
        await giveWay();
        state = seen + 1;
        if (!waiters.wakeFirst()) locked = false;
      }
    }));
    return [state];
  },

  async semaphore() {
    const waiters = new Waiters();
    let permits = 10;
    const stats = { inside: 0, peak: 0, done: 0 };
    await Promise.all(times(120, async () => {
      for (let i = 0; i < 750; i++) {
        if (permits > 0) permits--;
        else await waiters.park();
        stats.inside++;
        if (stats.inside > stats.peak) stats.peak = stats.inside;
        await giveWay();
        stats.inside--;
        stats.done++;
        if (!waiters.wakeFirst()) permits++;
      }
    }));
    return [stats.done, stats.peak];
  },

  async event_pingpong() {
    const newEvent = () => ({ set: false, waiters: new Waiters() });
    const ping = async (here, there, turns) => {
      for (let i = 0; i < turns; i++) {
        if (!here.set) await here.waiters.park();
        here.set = false;
        there.set = true;
        while (there.waiters.wakeFirst());
      }
    };
    const done = await Promise.all(times(20, async () => {
      const a = newEvent();
      const b = newEvent();
      a.set = true;
      await Promise.all([ping(a, b, 4500), ping(b, a, 4500)]);
      return 4500;
    }));
    return [done.reduce((sum, n) => sum + n, 0)];
  },

  async queue() {
    const items = [];
    const getters = new Waiters();
    const putters = new Waiters();
    const joiners = new Waiters();
    let unfinished = 0;
    let total = 0;
    const consumer = async () => {
      for (;;) {
        while (items.length === 0) await getters.park();
        total += items.shift();
        putters.wakeFirst();
        if (--unfinished === 0) while (joiners.wakeFirst());
      }
    };
    times(8, consumer);
    await Promise.all(times(16, async () => {
      for (let i = 0; i < 9000; i++) {
        while (items.length >= 16) await putters.park();
        items.push(i);
        unfinished++;
        getters.wakeFirst();
      }
    }));
    if (unfinished > 0) await joiners.park();
    return [total, items.length];
  },

  async timers() {
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    let fired = 0;
    for (let wave = 0; wave < 30; wave++) {
      const handles = times(2000, (i) => setTimeout(() => fired++, 0.01 * (i % 50)));
      for (let i = 0; i < 2000; i += 2) clearTimeout(handles[i]);
      await sleep(0.6);
    }
    const counts = await Promise.all(times(1000, async (i) => {
      let n = 0;
      for (let k = 0; k < 40; k++) {
        await sleep(0.001 * (1 + ((i + k) % 5)));
        n++;
      }
      return n;
    }));
    return [fired, counts.reduce((sum, n) => sum + n, 0)];
  },
};

async function park(n) {
  const waiters = new Waiters();
  const tasks = times(n, async () => {
    await waiters.park();
  });
  await giveWay();
  process.stdout.write("parked\n");
  process.stdin.once("data", () => process.exit(tasks.length < 0 ? 1 : 0));
}

const [name, n] = process.argv.slice(2);
if (name === "park") park(Number(n));
else workloads[name]().then((results) => console.log(name, ...results));
