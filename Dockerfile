# docker build -t ssegauge . && docker run --rm --network host -v "$PWD:/work" ssegauge check localhost:3000/events
FROM python:3.11-slim
COPY . /src
RUN pip install --no-cache-dir --constraint /src/constraints.txt "/src[load,report]" && rm -rf /src \
    && useradd --uid 1000 --create-home ssegauge && mkdir /work && chown ssegauge /work
USER 1000
WORKDIR /work
ENTRYPOINT ["ssegauge"]
