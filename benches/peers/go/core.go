// The core async workloads on goroutines and channels; run with GOMAXPROCS=1.
// Takes a workload's name (and a number for `park`), prints what the .async file prints.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// all runs n goroutines and waits for their end.
func all(n int, body func(i int)) {
	var group sync.WaitGroup
	group.Add(n)
	for i := 0; i < n; i++ {
		go func(i int) {
			defer group.Done()
			body(i)
		}(i)
	}
	group.Wait()
}

func spawnJoin() {
	total := 0
	for wave := 0; wave < 140; wave++ {
		tasks := make([]chan int, 1000)
		for i := range tasks {
			done := make(chan int, 1)
			tasks[i] = done
			go func(i int) { done <- i & 7 }(i)
		}
		for _, task := range tasks {
			total += <-task
		}
	}
	fmt.Println("spawn_join", total)
}

func sleep0Switch() {
	var steps int64
	all(100, func(int) {
		for i := 0; i < 2500; i++ {
			atomic.AddInt64(&steps, 1)
			runtime.Gosched()
		}
	})
	fmt.Println("sleep0_switch", steps)
}

//go:noinline
func descend(depth int, suspend bool) int {
	if depth == 0 {
		if suspend {
			runtime.Gosched()
		}
		return 1
	}
	return 1 + descend(depth-1, suspend)
}

//go:noinline
func deepSpinner(depth, turns int) int {
	if depth == 0 {
		for i := 0; i < turns; i++ {
			runtime.Gosched()
		}
		return turns
	}
	return deepSpinner(depth-1, turns)
}

func awaitChain() {
	total := 0
	for i := 0; i < 5000; i++ {
		total += descend(100, false)
	}
	for i := 0; i < 2000; i++ {
		total += descend(100, true)
	}
	fmt.Println("await_chain", total+deepSpinner(200, 70000))
}

func lockHandoff() {
	var lock sync.Mutex
	state := 0
	all(100, func(int) {
		for i := 0; i < 650; i++ {
			lock.Lock()
			seen := state
			runtime.Gosched()
			state = seen + 1
			lock.Unlock()
		}
	})
	fmt.Println("lock_handoff", state)
}

func semaphore() {
	permits := make(chan struct{}, 10)
	var inside, peak, done int64
	all(120, func(int) {
		for i := 0; i < 750; i++ {
			permits <- struct{}{}
			now := atomic.AddInt64(&inside, 1)
			if now > atomic.LoadInt64(&peak) {
				atomic.StoreInt64(&peak, now)
			}
			runtime.Gosched()
			atomic.AddInt64(&inside, -1)
			atomic.AddInt64(&done, 1)
			<-permits
		}
	})
	fmt.Println("semaphore", done, peak)
}

func eventPingpong() {
	ping := func(here, there chan struct{}, turns int) {
		for i := 0; i < turns; i++ {
			<-here
			there <- struct{}{}
		}
	}
	var total int64
	all(20, func(int) {
		a, b := make(chan struct{}, 1), make(chan struct{}, 1)
		a <- struct{}{}
		all(2, func(i int) {
			if i == 0 {
				ping(a, b, 4500)
			} else {
				ping(b, a, 4500)
			}
		})
		atomic.AddInt64(&total, 4500)
	})
	fmt.Println("event_pingpong", total)
}

func queue() {
	items := make(chan int, 16)
	var total int64
	var unfinished sync.WaitGroup
	for i := 0; i < 8; i++ {
		go func() {
			for item := range items {
				atomic.AddInt64(&total, int64(item))
				unfinished.Done()
			}
		}()
	}
	all(16, func(int) {
		for i := 0; i < 9000; i++ {
			unfinished.Add(1)
			items <- i
		}
	})
	unfinished.Wait()
	fmt.Println("queue", total, len(items))
}

func timers() {
	var fired, total int64
	for wave := 0; wave < 30; wave++ {
		handles := make([]*time.Timer, 2000)
		stopped := 0
		for i := range handles {
			delay := time.Duration(10000 * (i % 50))
			// The even ones are cancelled below, so a firing that comes first must not count.
			count := int64(i & 1)
			handles[i] = time.AfterFunc(delay, func() { atomic.AddInt64(&fired, count) })
		}
		for i := 0; i < 2000; i += 2 {
			if handles[i].Stop() {
				stopped++
			}
		}
		time.Sleep(600 * time.Microsecond)
	}
	all(1000, func(i int) {
		for k := 0; k < 40; k++ {
			time.Sleep(time.Duration(1000 * (1 + (i+k)%5)))
		}
		atomic.AddInt64(&total, 40)
	})
	fmt.Println("timers", atomic.LoadInt64(&fired), total)
}

func park(n int) {
	event := make(chan struct{})
	for i := 0; i < n; i++ {
		go func() { <-event }()
	}
	runtime.Gosched()
	fmt.Println("parked")
	bufio.NewReader(os.Stdin).ReadString('\n')
}

func main() {
	switch os.Args[1] {
	case "spawn_join":
		spawnJoin()
	case "sleep0_switch":
		sleep0Switch()
	case "await_chain":
		awaitChain()
	case "lock_handoff":
		lockHandoff()
	case "semaphore":
		semaphore()
	case "event_pingpong":
		eventPingpong()
	case "queue":
		queue()
	case "timers":
		timers()
	case "park":
		n, _ := strconv.Atoi(os.Args[2])
		park(n)
	}
}
