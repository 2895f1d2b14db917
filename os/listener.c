/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the control socket before the first line: binding, accepting, connecting, and who
 * the peer is. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/error.h"
#include "os/lines.h"

/* Out of descriptors: when to try again. Without it the loop would spin, since the client still
 * waits. */
#define LISTENER_PAUSE_NS UINT64_C(100000000)

struct os_listener {
	struct os_loop *loop;
	struct os_watch watch;
	struct os_timer pause;
	void (*accepted)(void *context, int descriptor);
	void *context;
};

static enum sotto_err listener_name(const char *path, struct sockaddr_un *name)
{
	size_t len = strlen(path);

	*name = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len == 0 || len >= sizeof(name->sun_path))
		return SOTTO_ERR_LIMIT;
	memcpy(name->sun_path, path, len + 1);
	return SOTTO_OK;
}

/* The kernel noted it when the connection (or the listener) was made. */
static bool listener_peer_is_ours(int descriptor)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	return peer.uid == geteuid() || peer.uid == 0;
}

enum sotto_err os_listener_open(const char *path, int *out)
{
	struct sockaddr_un name;
	mode_t mask;
	int descriptor = -1;
	int bound;
	enum sotto_err err;

	TRY(listener_name(path, &name));
	descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	FAIL_IF(descriptor < 0, os_err_from_errno(errno));
	FAIL_IF(unlink(path) != 0 && errno != ENOENT, os_err_from_errno(errno));
	/* The mask, so that there is no moment at which others may connect. */
	mask = umask(S_IXUSR | S_IRWXG | S_IRWXO);
	bound = bind(descriptor, (struct sockaddr *)&name, sizeof(name));
	umask(mask);
	FAIL_IF(bound != 0, os_err_from_errno(errno));
	FAIL_IF(listen(descriptor, OS_LISTENER_BACKLOG) != 0, os_err_from_errno(errno));
	*out = descriptor;
	return SOTTO_OK;
out:
	if (descriptor >= 0)
		close(descriptor);
	return err;
}

static void listener_ready(struct os_watch *watch, unsigned seen)
{
	struct os_listener *listener = CONTAINER_OF(watch, struct os_listener, watch);
	int descriptor = accept4(watch->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)seen;
	if (descriptor < 0) {
		/* Gave up before we came; or there is no descriptor for it, and it still waits. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			os_loop_unwatch(listener->loop, watch);
			os_loop_set_timer(listener->loop, &listener->pause,
					  os_loop_now_ns(listener->loop) + LISTENER_PAUSE_NS);
		}
		return;
	}
	if (!listener_peer_is_ours(descriptor)) {
		close(descriptor);
		return;
	}
	listener->accepted(listener->context, descriptor);
}

static void listener_pause_over(struct os_timer *timer, uint64_t now_ns)
{
	struct os_listener *listener = CONTAINER_OF(timer, struct os_listener, pause);

	if (os_loop_watch(listener->loop, &listener->watch, OS_READ) != SOTTO_OK)
		os_loop_set_timer(listener->loop, timer, now_ns + LISTENER_PAUSE_NS);
}

enum sotto_err os_listener_create(struct os_loop *loop, int descriptor,
				  void (*accepted)(void *context, int descriptor), void *context,
				  struct os_listener **out)
{
	struct os_listener *listener = calloc(1, sizeof(*listener));
	enum sotto_err err;

	FAIL_IF(listener == NULL, SOTTO_ERR_NO_MEMORY);
	listener->loop = loop;
	listener->accepted = accepted;
	listener->context = context;
	os_timer_init(&listener->pause, listener_pause_over);
	os_watch_init(&listener->watch, descriptor, listener_ready);
	TRY(os_loop_watch(loop, &listener->watch, OS_READ));
	*out = listener;
	return SOTTO_OK;
out:
	free(listener);
	return err;
}

void os_listener_destroy(struct os_listener *listener)
{
	if (listener == NULL)
		return;
	os_loop_set_timer(listener->loop, &listener->pause, OS_NEVER);
	os_loop_unwatch(listener->loop, &listener->watch);
	close(listener->watch.descriptor);
	free(listener);
}

enum sotto_err os_lines_connect(const char *path, int *out)
{
	struct sockaddr_un name;
	int descriptor = -1;
	enum sotto_err err;

	TRY(listener_name(path, &name));
	descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	FAIL_IF(descriptor < 0, os_err_from_errno(errno));
	if (connect(descriptor, (struct sockaddr *)&name, sizeof(name)) != 0)
		TRY(errno == ECONNREFUSED ? SOTTO_ERR_NOT_FOUND : os_err_from_errno(errno));
	FAIL_IF(!listener_peer_is_ours(descriptor), SOTTO_ERR_DENIED);
	*out = descriptor;
	return SOTTO_OK;
out:
	if (descriptor >= 0)
		close(descriptor);
	return err;
}
