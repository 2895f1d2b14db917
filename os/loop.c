/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop over epoll.
 *
 *   descriptors  epoll, level-triggered: a callback that leaves something behind is called again
 *   timers       one list sorted by deadline; one timerfd (CLOCK_BOOTTIME) armed for its head
 *   signals      one signalfd
 *   resume       a timerfd that never expires but that the kernel cancels on waking and on a clock
 *                that is set, so that a loop with no deadline notices, too; how long it slept is
 *                measured (os/sleep.h)
 */
#include "os/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/error.h"

#define LOOP_EVENTS_MAX	 64
#define LOOP_SIGNALS_MAX 8

struct os_loop {
	int epoll;
	uint64_t now_ns;
	uint64_t armed_ns; /* what the timerfd is set to; OS_NEVER: disarmed */
	bool stopping;

	struct os_watch timerfd;
	struct os_watch signalfd;
	struct os_watch resumefd;

	struct list timers;   /* sorted by at_ns, then by when they were set */
	struct list due;      /* taken from timers in this round, not run yet */
	struct list deferred; /* for the end of this round */
	struct list running;  /* deferred calls of this round, not run yet */

	struct epoll_event events[LOOP_EVENTS_MAX];
	int events_count;
	int events_done;

	void (*arrived)(void *context, int signal);
	void *arrived_context;
	void (*resumed)(void *context, uint64_t slept_ns);
	void *resumed_context;
	struct os_sleep sleep;
};

static uint64_t loop_measure_sleep(struct os_loop *loop)
{
	struct timespec monotonic;

	ASSERT(clock_gettime(CLOCK_MONOTONIC, &monotonic) == 0);
	return os_sleep_measure(&loop->sleep, os_clock_now_ns(),
				(uint64_t)monotonic.tv_sec * OS_CLOCK_SECOND_NS +
					(uint64_t)monotonic.tv_nsec);
}

/* Timers are run from the list, not from here: this only ends the wait. */
static void loop_drain(struct os_watch *watch, unsigned seen)
{
	uint64_t expirations;

	(void)seen;
	/* Nothing to learn: expired, cancelled (ECANCELED on waking) or read before. */
	(void)!read(watch->descriptor, &expirations, sizeof(expirations));
}

static void loop_read_signals(struct os_watch *watch, unsigned seen)
{
	struct os_loop *loop = CONTAINER_OF(watch, struct os_loop, signalfd);
	struct signalfd_siginfo info;

	(void)seen;
	while (read(watch->descriptor, &info, sizeof(info)) == (ssize_t)sizeof(info))
		loop->arrived(loop->arrived_context, (int)info.ssi_signo);
}

static enum sotto_err loop_watch_own(struct os_loop *loop, struct os_watch *watch, int descriptor,
				     void (*ready)(struct os_watch *watch, unsigned seen))
{
	if (descriptor < 0)
		return os_err_from_errno(errno);
	os_watch_init(watch, descriptor, ready);
	return os_loop_watch(loop, watch, OS_READ);
}

enum sotto_err os_loop_create(struct os_loop **out)
{
	struct os_loop *loop = calloc(1, sizeof(*loop));
	enum sotto_err err;

	if (loop == NULL)
		return SOTTO_ERR_NO_MEMORY;
	loop->armed_ns = OS_NEVER;
	loop->timerfd.descriptor = loop->signalfd.descriptor = loop->resumefd.descriptor = -1;
	list_init(&loop->timers);
	list_init(&loop->due);
	list_init(&loop->deferred);
	list_init(&loop->running);
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	FAIL_IF(loop->epoll < 0, os_err_from_errno(errno));
	TRY(loop_watch_own(loop, &loop->timerfd,
			   timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK), loop_drain));
	loop->now_ns = os_clock_now_ns();
	(void)loop_measure_sleep(loop); /* from here on */
	*out = loop;
	return SOTTO_OK;
out:
	os_loop_destroy(loop);
	return err;
}

static void loop_close(int descriptor)
{
	if (descriptor >= 0)
		close(descriptor);
}

void os_loop_destroy(struct os_loop *loop)
{
	if (loop == NULL)
		return;
	loop_close(loop->timerfd.descriptor);
	loop_close(loop->signalfd.descriptor);
	loop_close(loop->resumefd.descriptor);
	loop_close(loop->epoll);
	free(loop);
}

void os_loop_stop(struct os_loop *loop)
{
	loop->stopping = true;
}

uint64_t os_loop_now_ns(const struct os_loop *loop)
{
	return loop->now_ns;
}

void os_watch_init(struct os_watch *watch, int descriptor,
		   void (*ready)(struct os_watch *watch, unsigned seen))
{
	*watch = (struct os_watch){.ready = ready, .descriptor = descriptor};
}

enum sotto_err os_loop_watch(struct os_loop *loop, struct os_watch *watch, unsigned interest)
{
	struct epoll_event event = {
		.events = ((interest & OS_READ) != 0 ? (uint32_t)EPOLLIN : 0) |
			  ((interest & OS_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = watch,
	};

	if (epoll_ctl(loop->epoll, watch->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->descriptor,
		      &event) != 0)
		return os_err_from_errno(errno);
	watch->added = true;
	return SOTTO_OK;
}

void os_loop_unwatch(struct os_loop *loop, struct os_watch *watch)
{
	if (!watch->added)
		return;
	/* Fails only if the descriptor was closed before, against the contract. */
	ASSERT(epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->descriptor, NULL) == 0);
	watch->added = false;
	for (int i = loop->events_done; i < loop->events_count; i++) {
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
	}
}

void os_timer_init(struct os_timer *timer, void (*expired)(struct os_timer *timer, uint64_t now_ns))
{
	*timer = (struct os_timer){.expired = expired, .at_ns = OS_NEVER};
	list_init(&timer->place);
}

void os_loop_set_timer(struct os_loop *loop, struct os_timer *timer, uint64_t at_ns)
{
	struct list *behind;

	list_remove(&timer->place);
	timer->at_ns = at_ns;
	if (at_ns == OS_NEVER)
		return;
	behind = loop->timers.previous;
	while (behind != &loop->timers &&
	       CONTAINER_OF(behind, struct os_timer, place)->at_ns > at_ns)
		behind = behind->previous;
	list_append(behind->next, &timer->place); /* in front of what follows */
}

void os_deferred_init(struct os_deferred *deferred, void (*run)(struct os_deferred *deferred))
{
	deferred->run = run;
	list_init(&deferred->place);
}

void os_loop_defer(struct os_loop *loop, struct os_deferred *deferred)
{
	if (list_empty(&deferred->place))
		list_append(&loop->deferred, &deferred->place);
}

void os_loop_undefer(struct os_loop *loop, struct os_deferred *deferred)
{
	(void)loop;
	list_remove(&deferred->place);
}

enum sotto_err os_loop_on_signals(struct os_loop *loop, const int *signals, size_t count,
				  void (*arrived)(void *context, int signal), void *context)
{
	sigset_t set;

	ASSERT(count <= LOOP_SIGNALS_MAX && loop->signalfd.descriptor < 0);
	sigemptyset(&set);
	for (size_t i = 0; i < count; i++)
		sigaddset(&set, signals[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return os_err_from_errno(errno);
	loop->arrived = arrived;
	loop->arrived_context = context;
	return loop_watch_own(loop, &loop->signalfd, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
			      loop_read_signals);
}

static void loop_rearm_resume(struct os_watch *watch, unsigned seen)
{
	/* As far as the kernel can count: it only ever ends by being cancelled. */
	struct itimerspec far = {.it_value.tv_sec = INT32_MAX};

	if (seen != 0)
		loop_drain(watch, seen);
	ASSERT(timerfd_settime(watch->descriptor, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far,
			       NULL) == 0 ||
	       errno == ECANCELED); /* the clock was set just now: armed all the same */
}

enum sotto_err os_loop_on_resume(struct os_loop *loop,
				 void (*resumed)(void *context, uint64_t slept_ns), void *context)
{
	enum sotto_err err;

	loop->resumed = resumed;
	loop->resumed_context = context;
	if (resumed == NULL || loop->resumefd.descriptor >= 0)
		return SOTTO_OK;
	err = loop_watch_own(loop, &loop->resumefd,
			     timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK),
			     loop_rearm_resume);
	if (err == SOTTO_OK)
		loop_rearm_resume(&loop->resumefd, 0);
	return err;
}

static enum sotto_err loop_arm(struct os_loop *loop)
{
	struct itimerspec spec = {0};
	uint64_t at_ns = OS_NEVER;

	if (!list_empty(&loop->timers))
		at_ns = CONTAINER_OF(loop->timers.next, struct os_timer, place)->at_ns;
	if (at_ns == loop->armed_ns)
		return SOTTO_OK;
	if (at_ns != OS_NEVER) {
		uint64_t not_zero_ns = at_ns == 0 ? 1 : at_ns; /* zero would disarm */

		spec.it_value.tv_sec = (time_t)(not_zero_ns / OS_CLOCK_SECOND_NS);
		spec.it_value.tv_nsec = (long)(not_zero_ns % OS_CLOCK_SECOND_NS);
	}
	if (timerfd_settime(loop->timerfd.descriptor, TFD_TIMER_ABSTIME, &spec, NULL) != 0)
		return os_err_from_errno(errno);
	loop->armed_ns = at_ns;
	return SOTTO_OK;
}

static void loop_run_events(struct os_loop *loop)
{
	for (loop->events_done = 0; loop->events_done < loop->events_count;) {
		struct epoll_event *event = &loop->events[loop->events_done++];
		struct os_watch *watch = event->data.ptr;
		unsigned seen = 0;

		if (watch == NULL) /* removed by a callback before it */
			continue;
		if ((event->events & (uint32_t)EPOLLIN) != 0)
			seen |= OS_READ;
		if ((event->events & (uint32_t)EPOLLOUT) != 0)
			seen |= OS_WRITE;
		if ((event->events & (uint32_t)(EPOLLERR | EPOLLHUP)) != 0)
			seen |= OS_GONE;
		watch->ready(watch, seen);
	}
	loop->events_count = 0;
	loop->events_done = 0;
}

/* What is due moves to a list of its own first, so that a timer which sets itself to the past waits
 * a round. */
static void loop_run_timers(struct os_loop *loop)
{
	list_for_each (element, following, &loop->timers) {
		if (CONTAINER_OF(element, struct os_timer, place)->at_ns > loop->now_ns)
			break;
		list_remove(element);
		list_append(&loop->due, element);
	}
	while (!list_empty(&loop->due)) {
		struct os_timer *timer = CONTAINER_OF(loop->due.next, struct os_timer, place);

		list_remove(&timer->place);
		timer->at_ns = OS_NEVER;
		timer->expired(timer, loop->now_ns);
	}
}

static void loop_run_deferred(struct os_loop *loop)
{
	list_for_each (element, following, &loop->deferred) {
		list_remove(element);
		list_append(&loop->running, element);
	}
	while (!list_empty(&loop->running)) {
		struct os_deferred *deferred =
			CONTAINER_OF(loop->running.next, struct os_deferred, place);

		list_remove(&deferred->place);
		deferred->run(deferred);
	}
}

enum sotto_err os_loop_turn(struct os_loop *loop, bool wait)
{
	uint64_t slept_ns;
	int timeout_ms = wait && !loop->stopping && list_empty(&loop->deferred) ? -1 : 0;
	enum sotto_err err;
	int count;

	TRY(loop_arm(loop));
	count = epoll_wait(loop->epoll, loop->events, LOOP_EVENTS_MAX, timeout_ms);
	if (count < 0) {
		FAIL_IF(errno != EINTR, os_err_from_errno(errno));
		count = 0;
	}
	loop->events_count = count;
	loop->now_ns = os_clock_now_ns();
	slept_ns = loop_measure_sleep(loop);
	if (slept_ns != 0 && loop->resumed != NULL)
		loop->resumed(loop->resumed_context, slept_ns);
	loop_run_events(loop);
	loop_run_timers(loop);
	loop_run_deferred(loop);
	/* The timerfd stays readable until it is read or set anew: an expired one has to be set
	 * anew. */
	if (loop->armed_ns <= loop->now_ns)
		loop->armed_ns = OS_NEVER - 1;
	err = SOTTO_OK;
out:
	return err;
}

enum sotto_err os_loop_run(struct os_loop *loop)
{
	enum sotto_err err;

	do {
		err = os_loop_turn(loop, true);
	} while (err == SOTTO_OK && !loop->stopping);
	loop->stopping = false;
	return err;
}
