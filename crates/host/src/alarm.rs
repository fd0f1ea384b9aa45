//! Sleeping until a point of the boot clock, and hearing when the wall clock is set. Neither ever polls.

#[cfg(target_os = "linux")]
mod imp {
    use rustix::io::{Errno, read};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use std::io;
    use std::os::fd::OwnedFd;
    use tokio::io::unix::AsyncFd;

    /// A timer on the boot clock: it goes off at once on resume if its time came during suspend.
    pub(crate) struct Alarm {
        timer: AsyncFd<OwnedFd>,
    }

    /// A timer on the wall clock that never goes off; the kernel cancels it when the clock is set.
    pub(crate) struct ClockWatch {
        timer: AsyncFd<OwnedFd>,
    }

    const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

    fn create(clock: TimerfdClockId) -> io::Result<AsyncFd<OwnedFd>> {
        let timer = timerfd_create(clock, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // SAFETY: the descriptor is owned by the value registered, is never replaced in it, and so stays open and the
        // same for as long as it is registered.
        #[allow(unsafe_code)]
        let registered = unsafe { AsyncFd::register(timer) };
        Ok(registered?)
    }

    impl Alarm {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self { timer: create(TimerfdClockId::Boottime)? })
        }

        /// Sets it to `boot_ms` on the boot clock; `None` switches it off.
        pub(crate) fn set(&mut self, boot_ms: Option<u64>) -> io::Result<()> {
            // Zero would switch it off; a point in the past goes off at once.
            let value = boot_ms.map_or(NEVER, |ms| timespec(ms.max(1)));
            let spec = Itimerspec { it_interval: NEVER, it_value: value };
            timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &spec)?;
            Ok(())
        }

        /// Waits until it goes off.
        pub(crate) async fn rings(&mut self) -> io::Result<()> {
            loop {
                let mut guard = self.timer.readable().await?;
                let mut count = [0; 8];
                match guard.try_io(|timer| Ok(read(timer.get_ref(), &mut count)?)) {
                    Ok(result) => return result.map(drop),
                    Err(_would_block) => {}
                }
            }
        }
    }

    impl ClockWatch {
        pub(crate) fn new() -> io::Result<Self> {
            let mut watch = Self { timer: create(TimerfdClockId::Realtime)? };
            watch.arm()?;
            Ok(watch)
        }

        fn arm(&mut self) -> io::Result<()> {
            let far = Timespec { tv_sec: i64::MAX / 2_000_000_000, tv_nsec: 0 };
            let spec = Itimerspec { it_interval: NEVER, it_value: far };
            let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
            timerfd_settime(self.timer.get_ref(), flags, &spec)?;
            Ok(())
        }

        /// Waits until the wall clock is set.
        pub(crate) async fn set(&mut self) -> io::Result<()> {
            loop {
                let mut guard = self.timer.readable().await?;
                let mut count = [0; 8];
                match guard.try_io(|timer| Ok(read(timer.get_ref(), &mut count)?)) {
                    Ok(Err(error)) if error.raw_os_error() != Some(Errno::CANCELED.raw_os_error()) => {
                        return Err(error);
                    }
                    Ok(_) => return self.arm(),
                    Err(_would_block) => {}
                }
            }
        }
    }

    fn timespec(ms: u64) -> Timespec {
        let seconds = i64::try_from(ms / 1_000).unwrap_or(i64::MAX);
        Timespec { tv_sec: seconds, tv_nsec: i64::try_from(ms % 1_000).unwrap_or(0) * 1_000_000 }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use crate::clock;
    use std::io;
    use std::time::Duration;

    /// A timer of the process. It may go off late by the time slept, and is then asked again.
    pub(crate) struct Alarm {
        boot_ms: Option<u64>,
    }

    /// Nothing tells here that the wall clock was set; pauses until a time of day are judged when something happens.
    pub(crate) struct ClockWatch;

    impl Alarm {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self { boot_ms: None })
        }

        pub(crate) fn set(&mut self, boot_ms: Option<u64>) -> io::Result<()> {
            self.boot_ms = boot_ms;
            Ok(())
        }

        pub(crate) async fn rings(&mut self) -> io::Result<()> {
            match self.boot_ms {
                None => std::future::pending().await,
                Some(at) => {
                    let wait = at.saturating_sub(clock::sample().boot_ms);
                    tokio::time::sleep(Duration::from_millis(wait)).await;
                    Ok(())
                }
            }
        }
    }

    impl ClockWatch {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) async fn set(&mut self) -> io::Result<()> {
            std::future::pending().await
        }
    }
}

pub(crate) use imp::{Alarm, ClockWatch};

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::clock;

    #[tokio::test]
    async fn an_alarm_goes_off_at_its_time_and_not_before() {
        let mut alarm = Alarm::new().expect("a timer");
        let at = clock::sample().boot_ms + 20;
        alarm.set(Some(at)).expect("set");
        alarm.rings().await.expect("rings");
        assert!(clock::sample().boot_ms >= at);
    }

    #[tokio::test]
    async fn an_alarm_in_the_past_goes_off_at_once() {
        let mut alarm = Alarm::new().expect("a timer");
        alarm.set(Some(0)).expect("set");
        alarm.rings().await.expect("rings");
    }

    #[tokio::test]
    async fn an_alarm_switched_off_is_silent() {
        let mut off = Alarm::new().expect("a timer");
        off.set(Some(0)).expect("set");
        off.set(None).expect("off");
        let mut on = Alarm::new().expect("a timer");
        on.set(Some(clock::sample().boot_ms + 20)).expect("set");
        tokio::select! {
            _ = off.rings() => panic!("it was switched off"),
            rings = on.rings() => rings.expect("rings"),
        }
    }
}
