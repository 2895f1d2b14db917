/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of one group in one process, for tests: each has its own group state, and a commit by one
 * is followed by all others. After each step all must agree on the epoch authenticator.
 */
#ifndef TESTS_MLS_WORLD_H
#define TESTS_MLS_WORLD_H

#include "base/allocator.h"
#include "mls/include/sotto/mls.h"
#include "tests/random.h"

#define WORLD_MAX 64

/* Every suite of the library. */
#define WORLD_SUITES 9

extern const uint16_t world_suites[WORLD_SUITES];

/* The suite of a test that runs for one at a time: that of the environment's MLS_SUITE, else 1. */
uint16_t world_suite(void);

struct actor {
	struct mls_identity identity;
	char name[16];
	struct mls_group *group; /* NULL: not a member */
};

struct world {
	struct test_random test_random;
	struct random_source random;
	struct mls_config config;
	uint16_t suite;
	enum mls_wire_format handshake;
	bool tree_apart;
	struct actor actors[WORLD_MAX];
	unsigned actor_count;
	unsigned names;
};

void world_init(struct world *world, uint16_t suite, uint64_t seed);
void world_finish(struct world *world);

/* A new actor with an identity; its index. */
unsigned world_new_actor(struct world *world);

void world_leaf_options(const struct actor *actor, struct mls_leaf_options *options);

/* A key package of an actor. */
void world_key_package(struct world *world, unsigned actor, struct mls_buffer *message,
		       struct mls_key_package_secrets *secrets);

/* As world.handshake and world.tree_apart say; for who has joined by hand. */
void world_set_send_options(struct world *world, unsigned actor);

/* The actor creates the group. */
void world_create(struct world *world, unsigned actor);

/*
 * One commit by an actor: adds, removes (actors), with a path or not; merged by all, joined by the
 * new.
 */
void world_commit(struct world *world, unsigned by, const unsigned *add, size_t add_count,
		  const unsigned *remove, size_t remove_count, bool path);

/*
 * The actor joins by its own commit, with the group info of another; resync: it takes the place of
 * its older leaf, whose state it has lost.
 */
void world_join_external(struct world *world, unsigned actor, unsigned by, bool resync);

/* One commit by an actor that adds nobody, merged by all. */
void world_commit_with(struct world *world, unsigned by, const struct mls_commit_options *options);

/* The others merge a proposal by one, made with err and message; releases it. */
void world_propose(struct world *world, unsigned by, enum sotto_err err,
		   struct mls_buffer *message);

/* Saves and loads every member in place. */
void world_reload_all(struct world *world);

/* The others merge a handshake message by one. */
void world_deliver(struct world *world, unsigned by, struct bytes message);

/* Every member is in the same epoch: authenticators and contexts are equal. */
void world_check(struct world *world);

/* A message by one is opened by all others. */
void world_message(struct world *world, unsigned by, const char *text);

/* The member's whole state as bytes, to compare. Both parts, one after the other. */
void world_state(struct mls_group *group, struct mls_buffer *state);

/* Saves and loads a member in place. */
void world_reload(struct world *world, unsigned actor);

#endif
