-- The list of all but users' notifications; of a channel; of what a user has not read. `notifications_newest` serves pods of the earlier
-- version, and those who may read the channels of users by a pattern. Lists are read while these are built; what is posted waits.
CREATE INDEX notifications_public ON notifications (created_at DESC, id DESC) WHERE channel NOT LIKE 'user:%';
CREATE INDEX notifications_of_channel ON notifications (channel, created_at DESC, id DESC);
CREATE INDEX notifications_unread ON notifications (channel, created_at DESC, id DESC)
    WHERE channel LIKE 'user:%' AND read_at IS NULL;
