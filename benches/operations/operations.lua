-- One operation, N times: `operations.lua NAME N`, as operations.async.
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

local Point = {}
Point.__index = Point
local function new_point(x) return setmetatable({ x = x }, Point) end
function Point:get(k) return k end
local function same(k) return k end

local operations = {}

function operations.loop(n) for _ = 1, n do end end

function operations.add(n)
  local a, b, c = 20, 22
  for _ = 1, n do c = a + b end
end

function operations.multiply_floats(n)
  local a, b, c = 1.5, 2.5
  for _ = 1, n do c = a * b end
end

function operations.compare(n)
  local a, b = 20, 22
  for _ = 1, n do
    if a > b then break end
  end
end

function operations.load_attribute(n)
  local point, x = new_point(1)
  for _ = 1, n do x = point.x end
end

function operations.store_attribute(n)
  local point = new_point(1)
  for _ = 1, n do point.x = 2 end
end

function operations.load_global(n)
  local x
  for _ = 1, n do x = print end
end

function operations.index_list(n)
  local items, x = { 1, 2, 3 }
  for _ = 1, n do x = items[2] end
end

function operations.get_item(n)
  local items, key, x = { a = 1, b = 2 }, "b"
  for _ = 1, n do x = items[key] end
end

function operations.call(n)
  for _ = 1, n do same(1) end
end

function operations.call_method(n)
  local point = new_point(1)
  for _ = 1, n do point:get(1) end
end

function operations.call_builtin(n)
  local items = { 1, 2, 3 }
  local rawlen = rawlen
  for _ = 1, n do rawlen(items) end
end

function operations.make_object(n)
  for _ = 1, n do new_point(1) end
end

function operations.make_list(n)
  for _ = 1, n do local _ = { 1, 2 } end
end

function operations.append(n)
  local items = {}
  for _ = 1, n do items[#items + 1] = 1 end
end

function operations.concatenate(n)
  local a, b, c = "ab", "cd"
  for _ = 1, n do c = a .. b end
end

function operations.generate(n)
  local thread = create(function() for i = 1, n do yield(i) end end)
  for _ = 1, n do resume(thread) end
end

function operations.catch(n)
  for _ = 1, n do pcall(error, "x") end
end

-- A scheduler of one ready queue: the least that a task costs.
local ready, first, last = {}, 1, 0
local running
local function wake(task)
  last = last + 1
  ready[last] = task
end
local function spawn(body)
  local task = create(body)
  wake(task)
  return task
end
local function run(main)
  spawn(main)
  while first <= last do
    running = ready[first]
    ready[first] = nil
    first = first + 1
    resume(running)
  end
end
local function give_way()
  wake(running)
  yield()
end

function operations.turn(n)
  run(function() for _ = 1, n do end end)
end

function operations.await_level(n)
  run(function() for _ = 1, n do same(1) end end)
end

function operations.switch(n)
  run(function() for _ = 1, n do give_way() end end)
end

function operations.spawn(n)
  run(function()
    for _ = 1, n do
      local parent = running
      spawn(function() wake(parent) end)
      yield()
    end
  end)
end

function operations.lock_handoff(n)
  local locked, waiting, head, tail = false, {}, 1, 0
  local function hold()
    for _ = 1, n // 2 do
      if locked then
        tail = tail + 1
        waiting[tail] = running
        yield()
      else
        locked = true
      end
      give_way()
      if head <= tail then
        wake(waiting[head])
        waiting[head] = nil
        head = head + 1
      else
        locked = false
      end
    end
  end
  run(function()
    spawn(hold)
    spawn(hold)
  end)
end

function operations.queue_handoff(n)
  local item, getter, putter
  local function put()
    for i = 1, n do
      while item do
        putter = running
        yield()
      end
      item = i
      if getter then wake(getter); getter = nil end
    end
  end
  run(function()
    spawn(put)
    for _ = 1, n do
      while not item do
        getter = running
        yield()
      end
      item = nil
      if putter then wake(putter); putter = nil end
    end
  end)
end

operations[arg[1]](tonumber(arg[2]))
