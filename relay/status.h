/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of `sottod status`. Totals only: nothing here is about one link, one drop or one room, so
 * nothing says who.
 */
#ifndef RELAY_STATUS_H
#define RELAY_STATUS_H

#include "wire/wire.h"

/* X(name, words): the order is the number on the wire; only appended. name is the key in --json. */
#define RELAY_COUNTERS(X) \
	X(links, "links that are up") \
	X(links_unproven, "of these, not yet on the newest access key") \
	X(handshakes, "handshakes finished") \
	X(half_open, "handshakes under way") \
	X(unanswered, "packets that got no answer") \
	X(rooms, "rooms") \
	X(datagrams, "datagrams forwarded") \
	X(datagrams_over_rate, "datagrams dropped: over a link's rate") \
	X(datagrams_no_window, "datagrams dropped: no congestion window") \
	X(requests, "requests") \
	X(requests_refused, "requests refused: not with that authority") \
	X(requests_over_quota, "requests refused: over a quota") \
	X(requests_busy, "requests refused: too many at once") \
	X(key_number, "number of the newest access key; 0: no network yet") \
	X(drops, "drops") \
	X(records, "records") \
	X(bytes, "bytes of records") \
	X(bytes_max, "bytes of records at most") \
	X(retention_hours, "hours that a record lives") \
	X(oldest_record, "when the oldest record came, UTC ms") \
	X(expired, "records expired since start") \
	X(watches, "watches") \
	X(appends, "appends acknowledged") \
	X(commits, "commits") \
	X(failures, "requests failed: disk full or broken") \
	X(memory_only, "1: records are in memory only") \
	X(memory_locked, "1: no page of the process can be swapped out")

enum relay_counter {
#define RELAY_COUNTER(name, words) RELAY_COUNTER_##name,
	RELAY_COUNTERS(RELAY_COUNTER)
#undef RELAY_COUNTER
		RELAY_COUNTER_COUNT
};

_Static_assert((int)RELAY_COUNTER_COUNT <= WIRE_COUNTERS_MAX, "a status fits one answer");

struct relay_counters {
	uint64_t values[RELAY_COUNTER_COUNT];
};

#endif
