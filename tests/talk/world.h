/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones and a relay under virtual time, from one seed: every message between them takes a while of its
 * own, in order on each link. A phone may be told to die at its nth store action; it then starts again from
 * what was stored.
 */
#ifndef TESTS_TALK_WORLD_H
#define TESTS_TALK_WORLD_H

#include "base/store_memory.h"
#include "talk/talk.h"
#include "tests/talk/fake_relay.h"

#define WORLD_PHONES	 8
#define WORLD_PHONES_MAX 64
#define WORLD_SECOND	 UINT64_C(1000000000)
#define WORLD_UTC_MS	 UINT64_C(1790000000000)

struct world;
struct world_phone;

/* Where a phone stores, if not in memory. start: what a program does first, its engine is gone by then. */
struct world_store {
	void (*start)(void *context, struct store_reader *reader, struct store_writer *writer);
	void *context;
};

/* Every request as it leaves a phone, whether or not it arrives. */
typedef void world_sent_fn(void *context, const struct talk *talk, struct bytes request);

/* Each time that a phone has been loaded, before anything else happens to it. */
typedef void world_started_fn(void *context, struct world_phone *phone);

struct world_phone {
	struct world *world;
	uint32_t number;
	struct talk *talk;
	struct store_memory *store;
	struct world_store other; /* start NULL: in memory */
	struct store_reader reader;
	struct store_writer writer;
	bool wants_link; /* the test's wish */
	bool link_up;
	uint64_t link; /* grows with each link: what was sent on an older one is lost */
	uint64_t last_up_ns, last_down_ns;
	int64_t clock_offset_ms; /* as the link says: the relay's clock minus this phone's */
	char invitation[LEDGER_ENTRY_LEN_MAX]; /* of the newest TALK_EVENT_INVITED */
	size_t invitation_len;
	uint32_t invited;
	uint32_t deaths;
	uint64_t steps;
	size_t watches;
	uint64_t
		fail_left; /* allocations and random calls until one fails; UINT64_MAX: none does */
	struct allocator allocator;
	size_t memory, memory_peak; /* what the engine has of it, in bytes */
	uint64_t spent_ns;	    /* in the engine, by the plan's clock */
	struct random_source source;
	uint32_t calls;
	uint32_t texts; /* TALK_EVENT_MESSAGE; each with a later row than the one before */
	uint64_t text_row;
	bool locked;
	uint32_t epochs;
	uint32_t failed_act;		    /* extension of the newest TALK_EVENT_ACT_FAILED */
	enum talk_proposal_change proposal; /* of the newest TALK_EVENT_PROPOSAL */
	char code[TALK_CODE_LEN + 1];
};

struct world_plan {
	uint64_t seed;
	uint32_t phones;
	uint16_t suite;		 /* of MLS; 0: what SOTTO_TEST_SUITE says, or the usual one */
	uint64_t (*clock)(void); /* for spent_ns; NULL: that stays 0 */
};

/* Of WORLD_PHONES phones, of so many, or as planned. */
struct world *world_create(uint64_t seed);
struct world *world_create_of(uint64_t seed, uint32_t phones);
struct world *world_create_as(const struct world_plan *plan);
void world_destroy(struct world *world);

struct world_phone *world_phone(struct world *world, uint32_t number);
struct fake_relay *world_relay(struct world *world);
uint64_t world_now(const struct world *world);

/* Extensions of the network that will be founded have so many digits; else 3. Phone 0 has the first one. */
void world_digits(struct world *world, uint8_t digits);
uint32_t world_extension(const struct world *world, uint32_t number);

/* So many drops are watched at once; restarts the phone. */
void world_watches(struct world *world, uint32_t number, size_t watches);

/* Phone `number`, empty so far, stores elsewhere; context outlives the world. */
void world_store(struct world *world, uint32_t number, struct world_store store);
void world_listen(struct world *world, world_sent_fn *sent, void *context);
void world_on_start(struct world *world, world_started_fn *started, void *context);

/* Makes the phone's link come and go; it dials again by itself while it is wanted. */
void world_link(struct world *world, uint32_t number, bool wanted);

/* Runs until nothing is to happen any more, or so many seconds have passed. */
void world_run(struct world *world, uint64_t seconds);
void world_run_ms(struct world *world, uint64_t ms);

/* Applies what a talk_* call left, hands its requests to the link. Call it after each of your own. */
void world_settle(struct world_phone *phone);

/* Start from the store alone. */
void world_restart(struct world_phone *phone);

/* The phone is given to somebody else: nothing is left of what it was. */
void world_empty(struct world *world, uint32_t number);

/* Locks store and engine: from then on a batch that touches other than ring tables ends the test. Unlocking
 * is for a phone that was restarted since, too. */
void world_lock(struct world_phone *phone);
void world_unlock(struct world_phone *phone);

/* The phone dies at its nth store action from now on, once. */
void world_die_after(struct world_phone *phone, uint64_t actions);

/* One allocation or random call fails, after so many; the engine is then thrown away. */
void world_fail_after(struct world_phone *phone, uint64_t calls);

/* Of so many answers of the relay one has a flipped bit; 0: none. */
void world_corrupt(struct world *world, uint32_t one_in);

/* Phone 0 founds, the others join one after the other (or all at once), all are members. */
void world_found(struct world *world);
void world_invite(struct world *world, uint32_t number);
void world_join(struct world *world, uint32_t number);
void world_members(struct world *world, uint32_t count, bool at_once);

/* The words of a text, by its number; what they take of out. */
size_t world_text(uint32_t from, uint32_t to, uint32_t text, char *out, size_t room);

/* Sends a text of this number; true if it was taken. */
bool world_send(struct world *world, uint32_t from, uint32_t to, uint32_t text);

/* How often phone `to` has the text in its store, as received from `from`. */
uint32_t world_received(struct world *world, uint32_t from, uint32_t to, uint32_t text);

/* The state of a text in the sender's store; 0 if it is not there. */
enum talk_message_state world_sent_state(struct world *world, uint32_t from, uint32_t to,
					 uint32_t text);

/* Do both have the same ledger head, and the same epoch of their conversation? */
bool world_agree(struct world *world, uint32_t a, uint32_t b);

/* Phone `to`, empty so far, becomes a copy of another one: its store, and so its keys. */
void world_copy(struct world *world, uint32_t from, uint32_t to);

#endif
