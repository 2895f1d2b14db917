/* SPDX-License-Identifier: Apache-2.0 */
/* Every limit of the relay, with its reason. docs/protocol.md and sottod(8) name those that people meet. */
#ifndef RELAY_LIMITS_H
#define RELAY_LIMITS_H

#include <stdint.h>

#define RELAY_HOUR_MS (UINT64_C(3600) * 1000)
#define RELAY_DAY_MS  (24 * RELAY_HOUR_MS)

/* The year 9999: a later time in a file is none, and sums with it would overflow. */
#define RELAY_UTC_MS_MAX UINT64_C(253402300799999)

/* --- The disk --- */

/* Longer than a holiday, short enough that a seized disk holds little. */
#define RELAY_RETENTION_MS (14 * RELAY_DAY_MS)

/* An empty drop keeps its name and incarnation as long as a past access key opens catch-up. */
#define RELAY_DROP_KEEP_MS (180 * RELAY_DAY_MS)

/* Records in all: 10,000 phones with 1 MiB each; a small machine's disk holds twice that with index. */
#define RELAY_DISK_MAX (UINT64_C(10) << 30)

/* In memory mode: half of a small machine. */
#define RELAY_MEMORY_MAX (UINT64_C(512) << 20)

/* Names cost about 300 bytes each with their index: 300 MB at most. */
#define RELAY_DROPS_MAX UINT64_C(1000000)

/* One conversation epoch with files of its own; two weeks of voice notes of a large group. */
#define RELAY_DROP_BYTES_MAX (UINT64_C(256) << 20)

/* An inbox holds Welcomes and notices and is trimmed: more is somebody flooding it. A file brings somebody into a group:
 * the tree of the largest one, its ledger and its key packages are half of that. */
#define RELAY_INBOX_BYTES_MAX (UINT64_C(16) << 20)

/* The porch is read at once by whoever is awake. */
#define RELAY_PORCH_BYTES_MAX (UINT64_C(4) << 20)

/* One step of the sweep: about 2 ms of disk, so that appends do not wait for it. */
#define RELAY_SWEEP_STEP 256

/* Between sweeps when there was nothing to do. */
#define RELAY_SWEEP_INTERVAL_MS UINT64_C(60000)

/* --- One round of the store --- */

/* Requests between two commits: their answers wait for the commit, 256 of them some 20 ms. */
#define RELAY_ROUND_MAX 256

/* Watches in all: 64 streams on each of 4,096 links would be more than anybody needs at once. */
#define RELAY_WATCHES_MAX 65536

/* Requests under way in the store, all links: their answers fit the queue between the processes. */
#define RELAY_ASKS_MAX 512

/* --- Links --- */

/* Requests to the store of one link that are not answered yet; watches count. */
#define RELAY_LINK_REQUESTS_MAX 64

/* What a link may append: a burst of files, then what a phone sends all day. */
#define RELAY_LINK_APPEND_BURST (UINT64_C(64) << 20)
#define RELAY_LINK_APPEND_RATE	(UINT64_C(256) << 10) /* bytes a second */

/* A phone in catch-up reads one *everyone* of two weeks and its inbox. */
#define RELAY_CATCH_UP_BURST (UINT64_C(64) << 20)
#define RELAY_CATCH_UP_RATE  (UINT64_C(64) << 10)

/* Enrolment is one request and one Welcome; the card may have been photographed. */
#define RELAY_PORCH_BURST (UINT64_C(512) << 10)
#define RELAY_PORCH_RATE  UINT64_C(256)

/* Requests of any kind: 100 at once, then 20 a second. */
#define RELAY_LINK_REQUEST_BURST 100
#define RELAY_LINK_REQUEST_RATE	 20

/* A link that does not prove the new key in this time falls to catch-up. */
#define RELAY_PROVE_MS UINT64_C(60000)

/* How long a past key opens catch-up. */
#define RELAY_PAST_KEY_MS (180 * RELAY_DAY_MS)

/* --- Rooms --- */

/* A group call has at most so many phones; each packet is copied to all others. */
#define RELAY_ROOM_LINKS_MAX 32

/* A link is in the old and new epoch's rooms of one call, and may listen to push-to-talk besides. */
#define RELAY_LINK_ROOMS_MAX 8

#define RELAY_ROOMS_MAX	     4096

/* Packets of a link: 50 a second at 20 ms in each of two rooms, with bursts after a hole. */
#define RELAY_DATAGRAM_BURST 100
#define RELAY_DATAGRAM_RATE  120

#endif
