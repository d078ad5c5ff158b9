-- The core async workloads on coroutines, with the smallest scheduler that runs them.
-- Takes a workload's name (and a number for `park`), prints what the .async file prints.

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

-- The ready queue: tasks in the order in which they became ready.
local ready, first, last = {}, 1, 0
local running

local function wake(task)
  last = last + 1
  ready[last] = task
end

local function spawn(body, ...)
  local arguments, n = { ... }, select("#", ...)
  local task = { done = false }
  task.thread = create(function()
    task.result = body((table.unpack or unpack)(arguments, 1, n))
    task.done = true
    local waiters = task.waiters
    if waiters then
      for i = 1, #waiters do wake(waiters[i]) end
    end
  end)
  wake(task)
  return task
end

local function give_way()
  wake(running)
  yield()
end

local function join(task)
  if not task.done then
    local waiters = task.waiters or {}
    task.waiters = waiters
    waiters[#waiters + 1] = running
    yield()
  end
  return task.result
end

-- A first-in first-out list of waiting tasks.
local function new_waiters() return { first = 1, last = 0 } end

local function park_in(waiters)
  waiters.last = waiters.last + 1
  waiters[waiters.last] = running
  yield()
end

local function wake_first(waiters)
  if waiters.first > waiters.last then return false end
  local task = waiters[waiters.first]
  waiters[waiters.first] = nil
  waiters.first = waiters.first + 1
  wake(task)
  return true
end

-- Timers: a binary heap of {when, sequence, action}; time is virtual.
local timers, n_timers, now, sequence = {}, 0, 0, 0

local function earlier(a, b)
  return a.when < b.when or (a.when == b.when and a.sequence < b.sequence)
end

local function call_later(delay, action)
  sequence = sequence + 1
  local timer = { when = now + delay, sequence = sequence, action = action }
  n_timers = n_timers + 1
  local at = n_timers
  while at > 1 do
    local parent = math.floor(at / 2)
    if not earlier(timer, timers[parent]) then break end
    timers[at] = timers[parent]
    at = parent
  end
  timers[at] = timer
  return timer
end

local function pop_timer()
  local top, moved = timers[1], timers[n_timers]
  timers[n_timers] = nil
  n_timers = n_timers - 1
  if n_timers > 0 then
    local at = 1
    while true do
      local child = at * 2
      if child > n_timers then break end
      if child < n_timers and earlier(timers[child + 1], timers[child]) then child = child + 1 end
      if not earlier(timers[child], moved) then break end
      timers[at] = timers[child]
      at = child
    end
    timers[at] = moved
  end
  return top
end

local function sleep(delay)
  local task = running
  call_later(delay, function() wake(task) end)
  yield()
end

local function run(main)
  spawn(main)
  while true do
    while first <= last do
      local task = ready[first]
      ready[first] = nil
      first = first + 1
      running = task
      local ok, failure = resume(task.thread)
      if not ok then error(failure) end
    end
    if n_timers == 0 then return end
    now = math.max(now, timers[1].when)
    while n_timers > 0 and timers[1].when <= now do
      local timer = pop_timer()
      if timer.action then timer.action() end
    end
  end
end

local workloads = {}

function workloads.spawn_join()
  local total = 0
  for _ = 1, 140 do
    local tasks = {}
    for i = 0, 999 do tasks[#tasks + 1] = spawn(function(n) return n % 8 end, i) end
    for i = 1, #tasks do total = total + join(tasks[i]) end
  end
  print("spawn_join " .. total)
end

function workloads.sleep0_switch()
  local steps, tasks = 0, {}
  for t = 1, 100 do
    tasks[t] = spawn(function()
      for _ = 1, 2500 do
        steps = steps + 1
        give_way()
      end
    end)
  end
  for t = 1, 100 do join(tasks[t]) end
  print("sleep0_switch " .. steps)
end

local function descend(depth, suspend)
  if depth == 0 then
    if suspend then give_way() end
    return 1
  end
  return 1 + descend(depth - 1, suspend)
end

local function deep_spinner(depth, turns)
  if depth == 0 then
    for _ = 1, turns do give_way() end
    return turns
  end
  local result = deep_spinner(depth - 1, turns)
  return result
end

function workloads.await_chain()
  local total = 0
  for _ = 1, 5000 do total = total + descend(100, false) end
  for _ = 1, 2000 do total = total + descend(100, true) end
  total = total + deep_spinner(200, 70000)
  print("await_chain " .. total)
end

function workloads.lock_handoff()
  local locked, waiters, state, tasks = false, new_waiters(), 0, {}
  local function acquire()
    if locked then park_in(waiters) else locked = true end
  end
  local function release()
    if not wake_first(waiters) then locked = false end
  end
  for t = 1, 100 do
    tasks[t] = spawn(function()
      for _ = 1, 650 do
        acquire()
        local seen = state
        give_way()
        state = seen + 1
        release()
      end
    end)
  end
  for t = 1, 100 do join(tasks[t]) end
  print("lock_handoff " .. state)
end

function workloads.semaphore()
  local permits, waiters, tasks = 10, new_waiters(), {}
  local stats = { inside = 0, peak = 0, done = 0 }
  for t = 1, 120 do
    tasks[t] = spawn(function()
      for _ = 1, 750 do
        if permits > 0 then permits = permits - 1 else park_in(waiters) end
        stats.inside = stats.inside + 1
        if stats.inside > stats.peak then stats.peak = stats.inside end
        give_way()
        stats.inside = stats.inside - 1
        stats.done = stats.done + 1
        if not wake_first(waiters) then permits = permits + 1 end
      end
    end)
  end
  for t = 1, 120 do join(tasks[t]) end
  print("semaphore " .. stats.done .. " " .. stats.peak)
end

function workloads.event_pingpong()
  local function new_event() return { set = false, waiters = new_waiters() } end
  local function ping(here, there, turns)
    for _ = 1, turns do
      if not here.set then park_in(here.waiters) end
      here.set = false
      there.set = true
      while wake_first(there.waiters) do end
    end
  end
  local total, pairs_ = 0, {}
  for p = 1, 20 do
    pairs_[p] = spawn(function()
      local a, b = new_event(), new_event()
      a.set = true
      local left, right = spawn(ping, a, b, 4500), spawn(ping, b, a, 4500)
      join(left)
      join(right)
      return 4500
    end)
  end
  for p = 1, 20 do total = total + join(pairs_[p]) end
  print("event_pingpong " .. total)
end

function workloads.queue()
  local items, head, tail, unfinished, total = {}, 1, 0, 0, 0
  local getters, putters, joiners = new_waiters(), new_waiters(), new_waiters()
  local producers = {}
  for _ = 1, 8 do
    spawn(function()
      while true do
        while head > tail do park_in(getters) end
        local item = items[head]
        items[head] = nil
        head = head + 1
        wake_first(putters)
        total = total + item
        unfinished = unfinished - 1
        if unfinished == 0 then while wake_first(joiners) do end end
      end
    end)
  end
  for p = 1, 16 do
    producers[p] = spawn(function()
      for i = 0, 8999 do
        while tail - head + 1 >= 16 do park_in(putters) end
        tail = tail + 1
        items[tail] = i
        unfinished = unfinished + 1
        wake_first(getters)
      end
    end)
  end
  for p = 1, 16 do join(producers[p]) end
  if unfinished > 0 then park_in(joiners) end
  print("queue " .. total .. " " .. (tail - head + 1))
end

function workloads.timers()
  local fired, total, tasks = 0, 0, {}
  for _ = 1, 30 do
    local handles = {}
    for i = 0, 1999 do
      handles[i] = call_later(0.00001 * (i % 50), function() fired = fired + 1 end)
    end
    for i = 0, 1999, 2 do handles[i].action = nil end
    sleep(0.0006)
  end
  for i = 0, 999 do
    tasks[i] = spawn(function()
      for k = 0, 39 do sleep(0.000001 * (1 + (i + k) % 5)) end
      return 40
    end)
  end
  for i = 0, 999 do total = total + join(tasks[i]) end
  print("timers " .. fired .. " " .. total)
end

function workloads.park(n)
  local waiters = new_waiters()
  for _ = 1, n do spawn(park_in, waiters) end
  give_way()
  io.write("parked\n")
  io.flush()
  io.read()
end

local workload, n = workloads[arg[1]], tonumber(arg[2] or 0)
run(function() workload(n) end)
