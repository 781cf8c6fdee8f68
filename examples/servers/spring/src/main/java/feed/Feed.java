package feed;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestMethod;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/**
 * A feed with Spring MVC: GET /events tells everybody what POST /publish says.
 *
 * <p>A reader is a position in the log, and a thread, for a servlet's writing blocks: so one that does not read holds
 * nobody else up. With Java 21 take {@code Thread.startVirtualThread}.
 */
@SpringBootApplication
@RestController
public class Feed {
  private static final int KEPT = 1000;
  private static final long HEARTBEAT_MS = 1_000; // a servlet learns that its reader has gone by writing, so often

  private final Map<Long, Map<String, Object>> log = new LinkedHashMap<>(); // the newest events
  private long last = System.currentTimeMillis(); // ids count on over restarts: none is ever another event's

  public static void main(String[] args) {
    SpringApplication.run(Feed.class, args);
  }

  public record Said(String text) {}

  @PostMapping("/publish")
  synchronized ResponseEntity<Void> publish(@RequestBody Said said) {
    if (said.text() == null) return ResponseEntity.badRequest().build();
    log.put(++last, Map.of("text", said.text(), "at", System.currentTimeMillis()));
    if (log.size() > KEPT) log.remove(log.keySet().iterator().next());
    notifyAll();
    return ResponseEntity.status(HttpStatus.ACCEPTED).build();
  }

  @GetMapping(path = "/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
  ResponseEntity<SseEmitter> events(@RequestHeader(name = "Last-Event-ID", required = false) String lastEventId) {
    SseEmitter reader = new SseEmitter(0L); // without a timeout: Spring's own would end the stream
    long position = position(lastEventId);
    new Thread(() -> follow(reader, position)).start();
    return head().body(reader);
  }

  /** HEAD gets the head alone: Spring would answer it by GET's method, and begin a stream that nobody reads. */
  @RequestMapping(path = "/events", method = RequestMethod.HEAD)
  ResponseEntity<Void> offered() {
    return head().contentType(MediaType.TEXT_EVENT_STREAM).build();
  }

  private static ResponseEntity.BodyBuilder head() {
    return ResponseEntity.ok()
        .header("Cache-Control", "no-store, no-transform")
        .header("X-Accel-Buffering", "no")
        .header("X-Content-Type-Options", "nosniff");
  }

  /** Send the feed until the reader has gone. */
  private void follow(SseEmitter reader, long position) {
    try {
      reader.send(SseEmitter.event().reconnectTime(2000));
      while (true) {
        List<Long> ids = after(position);
        if (ids.isEmpty()) reader.send(SseEmitter.event().comment("keep-alive"));
        for (long id : ids) {
          reader.send(SseEmitter.event().id(Long.toString(id)).data(said(id), MediaType.APPLICATION_JSON));
          position = id;
        }
      }
    } catch (Exception gone) {
      reader.completeWithError(gone);
    }
  }

  /** Where a reader goes on: strictly after the event it names, or, where that is not kept, with what happens next. */
  private synchronized long position(String lastEventId) {
    return log.keySet().stream().filter(id -> Long.toString(id).equals(lastEventId)).findFirst().orElse(last);
  }

  /** Wait for events after this position; none where none comes for a while. */
  private synchronized List<Long> after(long position) throws InterruptedException {
    if (last == position) wait(HEARTBEAT_MS);
    List<Long> ids = new ArrayList<>(log.keySet());
    return ids.subList(Math.max(0, ids.size() - (int) (last - position)), ids.size());
  }

  private synchronized Map<String, Object> said(long id) {
    return log.getOrDefault(id, Map.of());
  }
}
