/* SPDX-License-Identifier: Apache-2.0 */
/* Making the group: see the header. */
#include "bench/mls_world.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/error.h"

static const struct bytes group_id = {(const uint8_t *)"bench, sixteen b", 16};

static void *count_allocate(void *context, size_t len)
{
	struct counter *counter = context;

	counter->allocations++;
	return malloc(len);
}

static void count_release(void *context, void *memory, size_t len)
{
	(void)context;
	(void)len;
	free(memory);
}

static enum sotto_err fill_random(void *context, uint8_t *out, size_t len)
{
	(void)context;
	randombytes_buf(out, len);
	return SOTTO_OK;
}

const struct random_source world_random = {.fill = fill_random};

double cpu_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void must(enum sotto_err err, const char *what)
{
	if (err == SOTTO_OK)
		return;
	(void)fprintf(stderr, "bench_mls: %s: error %d\n", what, (int)err);
	exit(1);
}

void progress(const char *format, ...)
{
	va_list arguments;

	if (isatty(STDERR_FILENO) == 0)
		return;
	(void)fputs("\r\033[K", stderr);
	if (format != NULL) {
		va_start(arguments, format);
		(void)vfprintf(stderr, format, arguments);
		va_end(arguments);
	}
	(void)fflush(stderr);
}

static struct mls_leaf_options leaf_options(const struct member *member, const uint32_t *number)
{
	return (struct mls_leaf_options){
		.identity = &member->identity,
		.credential = {.type = MLS_CREDENTIAL_BASIC,
			       .content = BYTES(number, sizeof(*number))},
		.lifetime = {.not_after = UINT32_MAX},
	};
}

void world_key_package(struct world *world, struct member *member, struct mls_buffer *package)
{
	uint32_t number = (uint32_t)(member - world->members);
	struct mls_leaf_options leaf = leaf_options(member, &number);

	mls_key_package_secrets_wipe(&member->secrets);
	must(mls_key_package_create(&world->config, &leaf, NULL, 0, package, &member->secrets),
	     "key package");
}

void world_init(struct world *world, uint16_t suite, uint32_t n)
{
	*world = (struct world){
		.suite = suite,
		.n = n,
		.allocator = {.allocate = count_allocate, .release = count_release},
		.config = {.random = &world_random, .limits = *mls_limits_default()},
	};
	world->allocator.context = &world->counter;
	world->config.allocator = &world->allocator;
	world->members = calloc(n, sizeof(world->members[0]));
	if (world->members == NULL)
		must(SOTTO_ERR_NO_MEMORY, "members");
	for (uint32_t i = 0; i < n; i++) {
		struct member *member = &world->members[i];

		must(mls_identity_generate(&world->config, suite, &member->identity), "identity");
		if (i != ACTOR)
			world_key_package(world, member, &member->package);
		if (i % 1000 == 999)
			progress("suite 0x%04x, %u members: key packages, %u", suite, n, i + 1);
	}
}

void world_finish(struct world *world)
{
	mls_group_destroy(world->actor);
	mls_group_destroy(world->follower);
	mls_buffer_release(&world->commit);
	mls_buffer_release(&world->welcome);
	for (uint32_t i = 0; i < world->n; i++) {
		mls_buffer_release(&world->members[i].package);
		bytes_wipe(&world->members[i], sizeof(world->members[i]));
	}
	free(world->members);
}

struct mls_group *world_create(struct world *world, struct mls_buffer *commit,
			       struct mls_buffer *welcome)
{
	uint32_t number = ACTOR;
	struct mls_leaf_options leaf = leaf_options(&world->members[ACTOR], &number);
	struct mls_commit_options options = {.add_count = world->n - 1};
	struct bytes *packages = malloc((world->n - 1) * sizeof(packages[0]));
	struct mls_group *group;

	if (packages == NULL)
		must(SOTTO_ERR_NO_MEMORY, "packages");
	for (uint32_t i = 1; i < world->n; i++)
		packages[i - 1] = mls_buffer_bytes(&world->members[i].package);
	options.add = packages;
	must(mls_group_create(&world->config, group_id, &leaf, NULL, 0, &group), "create");
	must(mls_group_commit(group, &options, commit, welcome), "commit");
	must(mls_group_apply_pending(group), "apply");
	free(packages);
	return group;
}

struct mls_group *world_join(struct world *world)
{
	const struct member *member = &world->members[FOLLOWER];
	struct mls_join_options options = {
		.welcome = mls_buffer_bytes(&world->welcome),
		.key_package = mls_buffer_bytes(&member->package),
		.secrets = &member->secrets,
		.identity = &member->identity,
	};
	struct mls_group *group;

	must(mls_group_join(&world->config, &options, &group), "join");
	return group;
}

void world_update(struct world *world, struct mls_buffer *commit)
{
	struct mls_commit_options options = {.path = true};
	struct mls_buffer welcome = {0};

	must(mls_group_commit(world->actor, &options, commit, &welcome), "update");
	mls_buffer_release(&welcome);
}

/* The state of another member, who holds no key of a parent: what it commits with needs none. */
static void play(struct world *world, uint32_t leaf)
{
	const struct member *member = &world->members[leaf];
	struct epoch *epoch = world->actor->epoch;

	ASSERT(tree_leaf(&epoch->tree, leaf) != NULL);
	bytes_wipe(&epoch->keys, sizeof(epoch->keys));
	epoch->own_leaf = leaf;
	epoch->keys.leaf = member->secrets.leaf_key;
	epoch->signature_key = member->identity.private_key;
}

static void commit_as(struct world *world, uint32_t leaf)
{
	struct mls_buffer commit = {0};
	struct mls_staged *staged;

	play(world, leaf);
	world_update(world, &commit);
	must(mls_group_apply_pending(world->actor), "apply");
	must(mls_group_receive(world->follower, mls_buffer_bytes(&commit), &staged), "receive");
	must(mls_group_merge(world->follower, &staged), "merge");
	mls_buffer_release(&commit);
}

void world_fill(struct world *world)
{
	uint32_t done = 0;

	for (uint32_t size = world->actor->epoch->tree.width; size > 1; size /= 2) {
		for (uint32_t leaf = 0; leaf < world->n; leaf += size) {
			/* A block that begins where a larger one does was filled with that. */
			if (leaf % (2 * size) == 0 && size != world->actor->epoch->tree.width)
				continue;
			commit_as(world, leaf);
			if (++done % 50 == 0)
				progress("suite 0x%04x, %u members: filling the tree, %u of %u",
					 world->suite, world->n, done, (world->n + 1) / 2);
		}
	}
	commit_as(world, ACTOR);
}
