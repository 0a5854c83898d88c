/* SPDX-License-Identifier: MIT */
/* Messages over a socket pair: see batch_channel.h. */
#include "batch_channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES (128u << 10)
#define ALIGNMENT     16u /* malloc()'s */

static size_t padded(uint64_t size)
{
	return ((size_t)size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void channel_init(struct channel *channel, int fd)
{
	*channel = (struct channel){.fd = fd};
	buffer_init(&channel->in, SIZE_MAX / 4);
	buffer_init(&channel->out, SIZE_MAX / 4);
}

void channel_close(struct channel *channel)
{
	if (channel->fd >= 0)
		(void)close(channel->fd);
	channel->fd = -1;
	channel->in_at = 0;
	buffer_deinit(&channel->in);
	buffer_deinit(&channel->out);
}

int channel_send(struct channel *channel, const struct frame *frame, const void *head,
		 size_t head_size, const void *rest)
{
	static const char padding[ALIGNMENT];
	int rc = buffer_add(&channel->out, frame, sizeof(*frame));

	if (rc == 0)
		rc = buffer_add(&channel->out, head, head_size);
	if (rc == 0)
		rc = buffer_add(&channel->out, rest, (size_t)frame->size - head_size);
	if (rc == 0)
		rc = buffer_add(&channel->out, padding, padded(frame->size) - (size_t)frame->size);
	return rc == 0 ? channel_flush(channel) : rc;
}

bool channel_has_more(const struct channel *channel)
{
	return channel->out.size > 0;
}

static void drop_sent(struct buffer *out, size_t sent)
{
	memmove(out->bytes, out->bytes + sent, out->size - sent);
	out->size -= sent;
}

int channel_flush(struct channel *channel)
{
	size_t sent = 0;
	int rc = 0;

	while (rc == 0 && sent < channel->out.size) {
		ssize_t n = send(channel->fd, channel->out.bytes + sent, channel->out.size - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno != EINTR)
			rc = -errno;
	}
	if (sent > 0)
		drop_sent(&channel->out, sent);
	return rc == -EAGAIN ? 0 : rc;
}

int channel_receive(struct channel *channel)
{
	char bytes[RECEIVE_BYTES];
	ssize_t n;

	if (channel->in_at > 0) {
		drop_sent(&channel->in, channel->in_at);
		channel->in_at = 0;
	}
	n = recv(channel->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return buffer_add(&channel->in, bytes, (size_t)n);
}

const struct frame *channel_next(struct channel *channel, const char **ret_bytes)
{
	const size_t left = channel->in.size - channel->in_at;
	const struct frame *frame = (const void *)(channel->in.bytes + channel->in_at);

	_Static_assert(sizeof(*frame) % ALIGNMENT == 0, "what follows is aligned, too");
	if (left < sizeof(*frame) || left - sizeof(*frame) < padded(frame->size))
		return NULL;
	*ret_bytes = (const char *)(frame + 1);
	channel->in_at += sizeof(*frame) + padded(frame->size);
	return frame;
}
