/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A group of n for measuring: the keys of all members, and the states of two of them.
 *
 *    leaf 0, the actor      makes the group, adds all others by one commit, and commits
 *    leaf 1, the follower   joins by that commit's welcome, and processes; as the actor's neighbour
 *                           it derives every key of the actor's path, so it is the slowest to do so
 *
 * Nobody could keep ten thousand states. Members of a group differ by their own leaf and private keys
 * only, so any member's turn to commit is had by putting these into one state.
 */
#ifndef BENCH_MLS_WORLD_H
#define BENCH_MLS_WORLD_H

#include "mls/group.h"

#define ACTOR	 0
#define FOLLOWER 1

struct counter {
	size_t allocations;
};

struct member {
	struct mls_identity identity;
	struct mls_key_package_secrets secrets;
	struct mls_buffer package;
};

struct world {
	uint16_t suite;
	uint32_t n;
	struct counter counter;
	struct allocator allocator;
	struct mls_config config;
	struct member *members; /* n; by leaf */
	struct mls_group *actor;
	struct mls_group *follower;
	struct mls_buffer commit; /* that added everybody, and its welcome */
	struct mls_buffer welcome;
};

/* libsodium's. */
extern const struct random_source world_random;

/* CPU time of this process. */
double cpu_s(void);

/* The program's own steps may not fail: says which and ends it. */
void must(enum sotto_err err, const char *what);

/* Keys and key packages of n members; no groups yet. */
void world_init(struct world *world, uint16_t suite, uint32_t n);
void world_finish(struct world *world);

/* A key package of a member, into package. */
void world_key_package(struct world *world, struct member *member, struct mls_buffer *package);

/* The actor's group with everybody added by one commit, which is merged; the caller's. */
struct mls_group *world_create(struct world *world, struct mls_buffer *commit,
			       struct mls_buffer *welcome);

/* The follower's group, by the welcome; the caller's. */
struct mls_group *world_join(struct world *world);

/* An update commit: the actor's, unless it plays another. */
void world_update(struct world *world, struct mls_buffer *commit);

/*
 * Until no parent node is blank that can be filled: one member below each parent commits with a path,
 * from the root's down, which seals the fewest secrets. The actor is itself again at the end.
 */
void world_fill(struct world *world);

/* For a terminal: shown in place, replaced by the next; NULL clears it. */
__attribute__((format(printf, 1, 2))) void progress(const char *format, ...);

#endif
