/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The member's process: what it needs comes on standard input, its report goes to standard output. It is
 * started anew, not only forked, so that nothing of the measuring program is in its memory.
 */
#include "bench/mls_child.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct request {
	struct mls_identity identity;
	struct mls_key_package_secrets secrets;
	size_t package_len;
	size_t welcome_len;
};

double child_memory_mb(const char *field)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	double kb = 0;

	if (status == NULL)
		return 0;
	while (fgets(line, sizeof(line), status) != NULL) {
		if (strncmp(line, field, strlen(field)) == 0)
			kb = strtod(line + strlen(field), NULL);
	}
	(void)fclose(status);
	return kb * 1024 / 1e6;
}

static bool send_request(FILE *file, const struct member *member, struct bytes welcome)
{
	struct request request = {
		.identity = member->identity,
		.secrets = member->secrets,
		.package_len = member->package.len,
		.welcome_len = welcome.len,
	};
	bool sent = fwrite(&request, sizeof(request), 1, file) == 1 &&
		    fwrite(member->package.data, member->package.len, 1, file) == 1 &&
		    fwrite(welcome.data, welcome.len, 1, file) == 1 && fflush(file) == 0;

	bytes_wipe(&request, sizeof(request));
	return sent && fseek(file, 0, SEEK_SET) == 0;
}

static _Noreturn void start(int input, int output)
{
	if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
		(void)execl("/proc/self/exe", "bench_mls", CHILD_ARGUMENT, (char *)NULL);
	_exit(127);
}

bool child_run(const struct member *member, struct bytes welcome, struct child_report *report)
{
	FILE *file = tmpfile();
	int ends[2] = {-1, -1};
	int status = -1;
	pid_t pid = -1;
	bool done = false;

	if (file != NULL && send_request(file, member, welcome) && pipe(ends) == 0)
		pid = fork();
	if (pid == 0)
		start(fileno(file), ends[1]);
	if (ends[1] >= 0)
		(void)close(ends[1]);
	if (pid > 0) {
		done = read(ends[0], report, sizeof(*report)) == (ssize_t)sizeof(*report);
		done = waitpid(pid, &status, 0) == pid && done && status == 0;
	}
	if (ends[0] >= 0)
		(void)close(ends[0]);
	if (file != NULL)
		(void)fclose(file);
	return done;
}

static uint8_t *read_exactly(size_t len)
{
	uint8_t *data = malloc(len);

	if (data == NULL || fread(data, len, 1, stdin) != 1)
		must(SOTTO_ERR_IO, "request");
	return data;
}

int child_main(void)
{
	struct child_report report;
	struct request request;
	struct timespec before, after;
	struct world world;
	uint8_t *package, *welcome;
	struct mls_group *group;
	struct mls_join_options options = {.secrets = &request.secrets,
					   .identity = &request.identity};

	world_init(&world, MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519, 0);
	if (fread(&request, sizeof(request), 1, stdin) != 1)
		must(SOTTO_ERR_IO, "request");
	package = read_exactly(request.package_len);
	welcome = read_exactly(request.welcome_len);
	options.key_package = BYTES(package, request.package_len);
	options.welcome = BYTES(welcome, request.welcome_len);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	must(mls_group_join(&world.config, &options, &group), "join");
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	free(package);
	free(welcome);
	bytes_wipe(&request, sizeof(request));
	report = (struct child_report){
		.cpu_ms = (double)(after.tv_sec - before.tv_sec) * 1e3 +
			  (double)(after.tv_nsec - before.tv_nsec) / 1e6,
		.peak_mb = child_memory_mb("VmHWM:"),
		.allocations = world.counter.allocations,
	};
	if (write(STDOUT_FILENO, &report, sizeof(report)) != (ssize_t)sizeof(report))
		return 1;
	mls_group_destroy(group);
	world_finish(&world);
	return 0;
}
