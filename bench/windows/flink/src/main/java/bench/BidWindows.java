package bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * Windows of bids in a local Flink of parallelism 1 with state on the heap. Arguments: the file, and how often to run in this
 * process, of which only the last runs are warm. Prints a line of JSON per run.
 */
public final class BidWindows {
  private static final long WINDOW_MS = 10_000;
  private static final long DISORDER_MS = 5_000;
  /** A duplicate follows its first try at once; what is older than this need not be remembered. */
  private static final long REMEMBERED_MS = 20_000;

  /** What of a bid the answer needs. */
  public static final class Bid {
    public String id;
    public String user;
    public long ms;
    public long cents;
  }

  public static final class Sums {
    public long bids;
    public long cents;
  }

  public static void main(String[] arguments) throws Exception {
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    for (int run = 0; run < Integer.parseInt(arguments[1]); run++) {
      long before = system.getProcessCpuTime();
      JobExecutionResult result = job(arguments[0]).execute();
      double seconds = (system.getProcessCpuTime() - before) / 1e9;
      System.out.printf(
          java.util.Locale.ROOT,
          "{\"answer\":[\"%d\",\"%d\",\"%d\",\"%d\"],\"seconds\":%.3f,\"elapsed\":%.3f}%n",
          (long) result.getAccumulatorResult("windows"),
          (long) result.getAccumulatorResult("bids"),
          (long) result.getAccumulatorResult("cents"),
          (long) result.getAccumulatorResult("weighted"),
          seconds,
          result.getNetRuntime() / 1e3);
      System.out.flush();
    }
    System.exit(0);
  }

  private static StreamExecutionEnvironment job(String file) {
    StreamExecutionEnvironment environment = StreamExecutionEnvironment.createLocalEnvironment(1);
    environment.getConfig().enableObjectReuse();
    SingleOutputStreamOperator<Bid> bids =
        environment
            .fromSource(
                FileSource.forRecordStreamFormat(new TextLineInputFormat(), new Path(file)).build(),
                WatermarkStrategy.noWatermarks(),
                "bids")
            .map(new Parse())
            .assignTimestampsAndWatermarks(
                WatermarkStrategy.<Bid>forBoundedOutOfOrderness(Duration.ofMillis(DISORDER_MS))
                    .withTimestampAssigner((bid, ignored) -> bid.ms));
    bids.keyBy(bid -> bid.id)
        .process(new FirstOnly())
        .keyBy(bid -> bid.user)
        .window(TumblingEventTimeWindows.of(Duration.ofMillis(WINDOW_MS)))
        .aggregate(new AddUp(), new CountIn())
        .sinkTo(new DiscardingSink<>());
    return environment;
  }

  private static final class Parse extends RichMapFunction<String, Bid> {
    private transient ObjectMapper mapper;

    @Override
    public void open(OpenContext context) {
      mapper = new ObjectMapper();
    }

    @Override
    public Bid map(String line) throws Exception {
      JsonNode event = mapper.readTree(line);
      JsonNode data = event.get("data");
      Bid bid = new Bid();
      bid.id = event.get("id").asText();
      bid.user = data.get("user_id").asText();
      bid.ms = data.get("placed_ms").asLong();
      bid.cents = Math.round(data.get("price").asDouble() * 100);
      return bid;
    }
  }

  private static final class FirstOnly extends KeyedProcessFunction<String, Bid, Bid> {
    private transient ValueState<Boolean> seen;

    @Override
    public void open(OpenContext context) {
      seen = getRuntimeContext().getState(new ValueStateDescriptor<>("seen", Types.BOOLEAN));
    }

    @Override
    public void processElement(Bid bid, Context context, Collector<Bid> out) throws Exception {
      if (seen.value() != null) return;
      seen.update(true);
      context.timerService().registerEventTimeTimer(bid.ms + REMEMBERED_MS);
      out.collect(bid);
    }

    @Override
    public void onTimer(long at, OnTimerContext context, Collector<Bid> out) {
      seen.clear();
    }
  }

  private static final class AddUp implements AggregateFunction<Bid, Sums, Sums> {
    @Override
    public Sums createAccumulator() {
      return new Sums();
    }

    @Override
    public Sums add(Bid bid, Sums sums) {
      sums.bids++;
      sums.cents += bid.cents;
      return sums;
    }

    @Override
    public Sums getResult(Sums sums) {
      return sums;
    }

    @Override
    public Sums merge(Sums one, Sums other) {
      one.bids += other.bids;
      one.cents += other.cents;
      return one;
    }
  }

  /** The answer: sums over all windows. */
  private static final class CountIn extends ProcessWindowFunction<Sums, Long, String, TimeWindow> {
    private final LongCounter windows = new LongCounter();
    private final LongCounter bids = new LongCounter();
    private final LongCounter cents = new LongCounter();
    private final LongCounter weighted = new LongCounter();

    @Override
    public void open(OpenContext context) {
      getRuntimeContext().addAccumulator("windows", windows);
      getRuntimeContext().addAccumulator("bids", bids);
      getRuntimeContext().addAccumulator("cents", cents);
      getRuntimeContext().addAccumulator("weighted", weighted);
    }

    @Override
    public void process(
        String user, Context context, Iterable<Sums> results, Collector<Long> out) {
      Sums sums = results.iterator().next();
      long number = context.window().getStart() / WINDOW_MS;
      windows.add(1);
      bids.add(sums.bids);
      cents.add(sums.cents);
      weighted.add((Long.parseLong(user.substring(1)) * 31 + number % 100_003) * sums.cents);
      out.collect(sums.cents);
    }
  }
}
