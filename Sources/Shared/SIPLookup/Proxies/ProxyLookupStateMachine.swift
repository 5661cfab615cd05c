import Identity

/// One lookup of RFC 3263 §4, from a destination to routes: which questions to ask, and what their answers come to.
///
/// Everything is asked in at most three rounds, each when the one before is over: NAPTR, SRV, addresses. A round's questions
/// are asked together. What is asked follows from the destination and from at most ``maximumServices`` services and
/// ``maximumServers`` server names, whatever the answers hold.
struct ProxyLookupStateMachine {
    static let maximumServices = 6
    static let maximumServers = 12

    enum Action: Equatable {
        /// At least one question, none of them asked before in this lookup.
        case ask([DNSQuestion])
        case await
        /// Once; nothing comes after it.
        case finish(Result<ProxyRoutes, ProxyLookupError>)
    }

    private struct Service: Equatable {
        let transport: SIPTransport
        /// Whose SRV records say where it is.
        let name: DNSName
    }

    /// Servers of one service, whose addresses are wanted.
    private struct Group {
        let transport: SIPTransport
        let servers: [SRVRecord]
    }

    private enum State {
        case idle
        /// The domain's NAPTR record is asked for. Next: servers.
        case naming(domain: DNSName)
        /// The SRV records of services are asked for. Next: addresses, or the end.
        ///
        /// - Parameters:
        ///   - fallback: how the domain itself is reached when there are no such records.
        ///   - found: what has come; a service without records is not in it.
        case servers(
            domain: DNSName, services: [Service], fallback: SIPTransport, pending: Set<DNSQuestion>,
            found: [DNSName: [SRVRecord]])
        /// The addresses of servers are asked for, best service first. Next: the end.
        case addresses(groups: [Group], pending: Set<DNSQuestion>, found: [DNSName: [IPAddress]])
        case finished
    }

    private let destination: ProxyDestination
    /// As enabled, the preferred first; of a `sips:` URI only TLS.
    private let transports: [SIPTransport]
    private let families: [AddressFamily]
    private var state = State.idle
    /// The worst that happened to a question. A lookup that finds something in spite of it has succeeded.
    private var failure: DNSFailure?
    /// There may be SRV records that nobody could tell us.
    private var hasUnansweredService = false

    /// - Parameters:
    ///   - transports: that Janus can use, in the order in which they are tried where the domain has no preference.
    ///   - families: of the addresses that are asked for.
    init(_ destination: ProxyDestination, transports: [SIPTransport], families: [AddressFamily]) {
        self.destination = destination
        self.transports = destination.isSecure ? transports.filter { $0 == .tls } : transports
        self.families = families
    }

    // MARK: What happens

    /// To be called once, first.
    mutating func started() -> Action {
        let domain: DNSName
        switch destination.host {
        case .impossible: return finish(.failure(.noRoutes(uri: destination.text)))
        case .address(let address): return numeric(address)
        case .name(let name): domain = name
        }
        if let port = destination.port { return withPort(domain, port) }
        if let requested = destination.transport {
            guard let transport = enabled(requested) else {
                return finish(.failure(.requestedTransport(requested)))
            }
            return askServers(domain, Self.standardServices(of: domain, [transport]), fallback: transport)
        }
        guard !transports.isEmpty else { return finish(.failure(.requestedTransport("tls"))) }
        state = .naming(domain: domain)
        return .ask([DNSQuestion(.naming, domain)])
    }

    /// - Parameter question: one that was to be asked. One that is not waited for any more changes nothing.
    mutating func answered(_ question: DNSQuestion, _ answer: DNSAnswer) -> Action {
        switch state {
        case .idle, .finished: return .await
        case .naming(let domain):
            guard question == DNSQuestion(.naming, domain) else { return .await }
            note(answer)
            return named(domain, answer)
        case .servers(let domain, let services, let fallback, var pending, var found):
            guard pending.remove(question) != nil else { return .await }
            note(answer)
            if case .failed = answer { hasUnansweredService = true }
            let records = answer.services
            if !records.isEmpty { found[question.name] = records }
            state = .servers(
                domain: domain, services: services, fallback: fallback, pending: pending, found: found)
            return pending.isEmpty ? located(domain, services, found, fallback: fallback) : .await
        case .addresses(let groups, var pending, var found):
            guard pending.remove(question) != nil else { return .await }
            note(answer)
            found[question.name, default: []] += answer.addresses
            state = .addresses(groups: groups, pending: pending, found: found)
            return pending.isEmpty ? finish(routes(groups, found)) : .await
        }
    }

    /// What has been found until now is all there is.
    mutating func deadlinePassed() -> Action {
        failure = .timedOut
        switch state {
        case .finished: return .await
        case .idle, .naming, .servers: return finish(.failure(.timedOut(uri: destination.text)))
        case .addresses(let groups, _, let found): return finish(routes(groups, found))
        }
    }

    // MARK: Destinations that say where they are

    private mutating func numeric(_ address: IPAddress) -> Action {
        switch dictated() {
        case .failure(let error): return finish(.failure(error))
        case .success(let transport):
            guard let address = address.usable else { return finish(.failure(.noRoutes(uri: destination.text))) }
            let server = ProxyRoutes.Server(
                priority: 0, weight: 0, port: destination.port ?? transport.standardPort, addresses: [address])
            return finish(.success(ProxyRoutes(transport: transport, servers: [server])))
        }
    }

    private mutating func withPort(_ domain: DNSName, _ port: UInt16) -> Action {
        switch dictated() {
        case .failure(let error): finish(.failure(error))
        case .success(let transport): askAddresses([Self.itself(domain, transport, port)])
        }
    }

    /// The transport where nothing but the URI can say it (RFC 3263 §4.1).
    private func dictated() -> Result<SIPTransport, ProxyLookupError> {
        let name = destination.transport ?? (destination.isSecure ? "tls" : "udp")
        return enabled(name).map { .success($0) } ?? .failure(.dictatedTransport(name))
    }

    /// nil: not one that may be used. TCP of a `sips:` URI is TLS.
    private func enabled(_ name: String) -> SIPTransport? {
        guard let transport = SIPTransport(rawValue: name) else { return nil }
        let meant = destination.isSecure && transport == .tcp ? .tls : transport
        return transports.contains(meant) ? meant : nil
    }

    // MARK: NAPTR

    /// Without usable records, and when nobody can say, the usual services are asked for.
    private mutating func named(_ domain: DNSName, _ answer: DNSAnswer) -> Action {
        var services: [Service] = []
        for record in answer.namings.sorted(by: { ($0.order, $0.preference) < ($1.order, $1.preference) }) {
            guard record.flags == "s", !record.hasExpression, let name = record.replacement,
                let transport = SIPTransport(namingService: record.service), transports.contains(transport)
            else { continue }
            let service = Service(transport: transport, name: name)
            if !services.contains(service), services.count < Self.maximumServices { services.append(service) }
        }
        if let preferred = services.first { return askServers(domain, services, fallback: preferred.transport) }
        // A `sip:` URI does not go to TLS unless the domain says so (RFC 3263 §4.1), or nothing else is enabled.
        let plain = transports.filter { $0 != .tls }
        let usual = plain.isEmpty ? transports : plain
        let fallback = usual.contains(.udp) ? .udp : usual.first ?? .tls
        return askServers(domain, Self.standardServices(of: domain, usual), fallback: fallback)
    }

    /// Those whose names would be too long are none.
    private static func standardServices(of domain: DNSName, _ transports: [SIPTransport]) -> [Service] {
        transports.compactMap { transport in
            DNSName(service: transport.serviceName, of: domain).map { Service(transport: transport, name: $0) }
        }
    }

    // MARK: SRV

    private mutating func askServers(_ domain: DNSName, _ services: [Service], fallback: SIPTransport) -> Action {
        var questions: [DNSQuestion] = []
        for service in services {
            let question = DNSQuestion(.service, service.name)
            if !questions.contains(question) { questions.append(question) }
        }
        guard !questions.isEmpty else { return askAddresses([Self.itself(domain, fallback, fallback.standardPort)]) }
        state = .servers(
            domain: domain, services: services, fallback: fallback, pending: Set(questions), found: [:])
        return .ask(questions)
    }

    private mutating func located(
        _ domain: DNSName, _ services: [Service], _ found: [DNSName: [SRVRecord]], fallback: SIPTransport
    ) -> Action {
        let groups = services.map { service in
            let usable = (found[service.name] ?? []).filter { $0.target != nil && $0.port > 0 }
            return Group(transport: service.transport, servers: usable.sorted { $0.priority < $1.priority })
        }.filter { !$0.servers.isEmpty }
        if !groups.isEmpty { return askAddresses(groups) }
        // The domain itself is a server only if there are surely no records that say otherwise (RFC 2782).
        guard !hasUnansweredService else { return finish(.failure(nothingFound)) }
        guard found.isEmpty else { return finish(.failure(.notOffered)) }
        return askAddresses([Self.itself(domain, fallback, fallback.standardPort)])
    }

    private static func itself(_ domain: DNSName, _ transport: SIPTransport, _ port: UInt16) -> Group {
        Group(transport: transport, servers: [SRVRecord(priority: 0, weight: 0, port: port, target: domain)])
    }

    // MARK: Addresses

    private mutating func askAddresses(_ groups: [Group]) -> Action {
        var names: [DNSName] = []
        for server in groups.flatMap(\.servers) {
            guard let name = server.target, !names.contains(name), names.count < Self.maximumServers else { continue }
            names.append(name)
        }
        let questions = names.flatMap { name in
            families.map { family in
                switch family {
                case .version4: DNSQuestion(.address4, name)
                case .version6: DNSQuestion(.address6, name)
                }
            }
        }
        state = .addresses(groups: groups, pending: Set(questions), found: [:])
        return .ask(questions)
    }

    /// The best service that has addresses; others are not mixed in, so that nobody who cannot have TLS gets less.
    private func routes(
        _ groups: [Group], _ found: [DNSName: [IPAddress]]
    ) -> Result<ProxyRoutes, ProxyLookupError> {
        var transport: SIPTransport?
        var servers: [ProxyRoutes.Server] = []
        for (rank, group) in groups.enumerated() where transport == nil || transport == group.transport {
            for server in group.servers {
                guard let name = server.target, let addresses = found[name], !addresses.isEmpty else { continue }
                transport = group.transport
                servers.append(
                    ProxyRoutes.Server(
                        priority: rank << 16 | Int(server.priority), weight: server.weight, port: server.port,
                        addresses: addresses))
            }
        }
        guard let transport else { return .failure(nothingFound) }
        return .success(ProxyRoutes(transport: transport, servers: servers))
    }

    // MARK: The end

    private mutating func note(_ answer: DNSAnswer) {
        guard case .failed(let reason) = answer, failure != .timedOut else { return }
        failure = reason
    }

    private var nothingFound: ProxyLookupError {
        switch failure {
        case nil: .noRoutes(uri: destination.text)
        case .timedOut: .timedOut(uri: destination.text)
        case .refused, .malformed: .unanswered(uri: destination.text)
        case .overloaded: .overloaded
        case .stopped: .stopped
        }
    }

    private mutating func finish(_ result: Result<ProxyRoutes, ProxyLookupError>) -> Action {
        state = .finished
        return .finish(result)
    }
}

extension DNSAnswer {
    private var records: [DNSRecord] {
        switch self {
        case .records(let records, _): records
        case .absent, .failed: []
        }
    }

    fileprivate var addresses: [IPAddress] {
        records.compactMap { record in if case .address(let address) = record { address } else { nil } }
    }

    fileprivate var services: [SRVRecord] {
        records.compactMap { record in if case .service(let service) = record { service } else { nil } }
    }

    fileprivate var namings: [NAPTRRecord] {
        records.compactMap { record in if case .naming(let naming) = record { naming } else { nil } }
    }
}
